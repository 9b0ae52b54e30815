# 27-search.t: GET /search with the indexes of the setting search_index: the same answers as without, few pages read
# where there is much, and what --init-db, --check-db and --drop-extensions say of them.
use v5.24;
use warnings;
use utf8;
use Encode ();
use JSON::PP ();
use Muster::Data qw(load_many python_tables);
use Muster::Front;
use Muster::Process qw(poll);
use Muster::Server;
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $world = Muster::World->new(data => 0, conf => { workers => 1, search_index => JSON::PP::false });
my ($pg, $server, $client) = ($world->postgres, $world->server, $world->client);
my @indexes = qw(muster_entities_text muster_attrs_text muster_attrs_number_text muster_attrs_date_text);
my $created = join '', map { "created index $_\n" } @indexes;

$pg->psql("select 1 from pg_available_extensions where name = 'pg_trgm'")
    or plan skip_all => 'pg_trgm is not installed (it comes with PostgreSQL)';

sub search  { return $client->get('/search', query => { q => $_[0] }) }
# Of all pages.
sub found {
    my ($text) = @_;
    my ($after, @found);
    do {
        my $answer = $client->get('/search', query => { q => $text, defined $after ? (after => $after) : () });
        push @found, @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
    } while defined $after && @found < 1000;
    return @found;
}

sub made    { return join ' ', $pg->psql("select indexrelid::regclass from pg_index where indexrelid::regclass::text like 'muster_%_text' order by 1") }
sub init_db { $server->write_conf(search_index => $_[0] ? JSON::PP::true : JSON::PP::false); return $server->init_db->{out} }

# How often the indexes of texts were used, and how many rows were read from whole tables. A session counts up to a
# second later.
sub used { return $pg->psql("select coalesce(sum(idx_scan), 0) from pg_stat_user_indexes where indexrelname like 'muster_%_text'") }
sub rows { return $pg->psql("select sum(seq_tup_read) from pg_stat_user_tables where relname in ('entities', 'entity_attrs')") }

my $seed = $ENV{MUSTER_SEED} // int rand 2**31;
srand $seed;
diag "MUSTER_SEED=$seed";
my @letters = (qw(a A b B c É é ß Ä 1 2 % _ \\ - . 日), ' ', "'");

sub text {
    my ($most) = @_;
    return join '', map { $letters[ rand @letters ] } 1 .. 1 + rand $most;
}

# What is there: [object, key, datatype, value], also numbers of any length, times with and without parts of a second,
# and references.
my @times = map { sprintf '%04d-%02d-%02dT%02d:%02d:%02d%s', 1900 + rand 200, 1 + rand 12, 1 + rand 28, rand 24, rand 60, rand 60, ('', '.500000', '.000025', '.120000')[ rand 4 ] } 1 .. 100;
my @rows  = (
    (map { [ 'k', 'string',   text(12) ] } 1 .. 300),
    (map { [ 'n', 'int',      int rand 2**$_ ] } 1 .. 62),
    (map { [ 'n', 'int',      $_ ] } -1, -2**31, '9223372036854775807', '-9223372036854775808', -47_114_711),
    (map { [ 't', 'datetime', $_ ] } @times, '0099-03-04T00:00:00', '12026-01-02T03:04:05', 'infinity'),
    (map { [ 'r', 'relation', 'o' . 7 * $_ % 100 ] } 0 .. 99));
@rows = map { [ 'o' . $_ % 100, @{ $rows[$_] } ] } 0 .. $#rows;
my $quoted = sub { my ($text) = @_; return "'" . $text =~ s/'/''/gr . "'" };
my $values = join ', ', map { '(' . join(', ', map { $quoted->($_) } @$_) . ')' } @rows;
$pg->psql(Encode::encode('UTF-8', "insert into entities (name, type, driver, version) select 'o' || n, 'pool', 'pool', 1 from generate_series(0, 99) n;"
    . "insert into entity_attrs (entity_id, key, datatype, string_value, int_value, datetime_value, relation_id, version)"
    . " select e.entity_id, k, d, case d when 'string' then v end, case d when 'int' then v::bigint end, case d when 'datetime' then v::timestamp end, case d when 'relation' then r.entity_id end, 1"
    . " from (values $values) x(o, k, d, v) join entities e on e.name = o left join entities r on r.name = v;"));
# Two that stand for an address; what is of another datatype than it says.
$pg->psql("insert into entity_attrs (entity_id, key, subkey, datatype, int_value, string_value, version) select entity_id, 'ip', x.*, 1"
    . " from entities, (values (null, 'int', 1234567, null), ('sub', 'int', 7654321, null), ('odd', 'string', 99887766, 'x'), ('even', 'int', null, '1')) x where name = 'o3'");
push @rows, [ 'o3', 'ip', 'int', 7654321 ], [ 'o3', 'ip', 'string', 'x' ];

# The same by comparing each value with the text, as "PLACE name value".
sub expected {
    my ($wanted) = @_;
    my $place = sub { my $at = index lc $_[0], lc $wanted; return $at < 0 ? undef : ($at ? 6 : lc $_[0] eq lc $wanted ? 0 : 3) };
    my %best;
    for my $row (map([ "o$_", '', 'name', "o$_" ], 0 .. 99), @rows) {
        my ($object, $key, $datatype, $value) = @$row;
        my $at = $place->($value) // next;
        next if $value eq 'infinity';
        $at   += 1                        if $datatype ne 'name';
        ($at, $value) = (8, "/pool/$value") if $datatype eq 'relation';
        $best{$object} = [ $at, $value ] if !$best{$object} || $best{$object}[0] > $at;
    }
    return map { join ' ', $best{$_}[0], $_, $best{$_}[1] } sort { $best{$a}[0] <=> $best{$b}[0] || substr($a, 1) <=> substr $b, 1 } keys %best;
}

sub place_of {
    my ($found) = @_;
    my $kind = $found->{in} eq 'name' ? 0 : $found->{key} eq 'r' ? 2 : 1;
    return { exact => 0, beginning => 3, inside => 6 }->{ $found->{match} } + $kind;
}

# Parts of what is there in another case, and anything.
my @questions = ('o1', 'O99', '%', '_', '\\', '___', '%%%', '\\\\\\', '-', '.', ':', '0', '-4711', '.00', '.000', '1234567', '234567', '7654321', '99887766', '0099-', '099', '12026-01', '/pool/o1', 'infinity');
for (1 .. 300) {
    my $text = $rows[ rand @rows ][3];
    my $part = substr $text, rand length $text, 1 + rand 6;
    push @questions, (sub { uc $part }, sub { lc $part }, sub { $part }, sub { text(4) })[ rand 4 ]->();
}
@questions = grep { /\S/ } @questions;

subtest 'the same answers' => sub {
    is made(), '', 'there is no index unless it is wanted';
    my @without = map { search($_)->{body} } @questions;
    my $differ = 0;
    for my $i (0 .. $#questions) {
        my @found    = map { join ' ', place_of($_), $_->{object} =~ m{^/pool/(.*)}, $_->{value} } grep { $_->{object} ne '/clustometa/clustometa' } found($questions[$i]);
        my @expected = expected($questions[$i]);
        next if "@found" eq "@expected";
        diag "$questions[$i]: @found\nexpected: @expected" if $differ++ < 3;
    }
    is $differ, 0, 'what is found is what there is, in its order';
    is init_db(1), "created extension pg_trgm\n$created", 'it is made';
    is init_db(1), "nothing to do\n", 'once';
    # So that it is used for texts of any length, and for so few rows.
    $pg->psql('alter database muster set seq_page_cost = 1e9; alter database muster set random_page_cost = 0');
    $server->restart;
    my ($wrong, $found) = (0, 0);
    for my $i (0 .. $#questions) {
        my $answer = search($questions[$i]);
        $found++ if @{ $answer->{json} };
        next if $answer->{status} == 200 && $answer->{body} eq $without[$i];
        diag "$questions[$i]: $answer->{status} $answer->{body}\nexpected $without[$i]" if $wrong++ < 3;
    }
    is $wrong, 0, 'for each text';
    cmp_ok $found, '>', @questions / 4, 'and many are found';
    ok poll(30, sub { used() > @questions }), 'the indexes were used' or diag used(), ' times for ', scalar @questions;
    $pg->psql('alter database muster reset all');
};

subtest 'few rows are read' => sub {
    load_many($pg, count => 20_000, attrs => 1);
    $pg->psql("insert into entity_attrs (entity_id, key, datatype, int_value, datetime_value, version) select entity_id, x.*, version from entities,"
        . " lateral (values ('serial', 'int', 4711000000 + substr(name, 7)::int, null), ('bought', 'datetime', null, '2001-01-01'::timestamp + substr(name, 7)::int * interval '1 hour')) x where name like 'server%'; analyze entity_attrs");
    $server->restart;
    poll(30, sub { my $rows = rows(); sleep 2; return $rows == rows() });
    my ($used, $rows) = (used(), rows());
    is search('1 OF server012345')->{json}[0]{object}, '/basicserver/server012345', 'an attribute is found';
    is search('ver01234')->{json}[9]{object}, '/basicserver/server012349', 'and names';
    is search('1199999')->{json}[0], undef, 'of numbers what is not there';
    is search('471101234')->{json}[9]{object}, '/basicserver/server012349', '... and what is';
    is search('2002-05-30T09')->{json}[0]{object}, '/basicserver/server012345', '... of times the hour';
    ok poll(30, sub { used() >= $used + 4 }), 'by the indexes';
    is rows(), $rows, 'no table was read as a whole';
    is @{ search('se')->{json} }, 50, 'what is too short for that is found as well';
};

# Of 20,000 names each one is referred to. 4e8 pairs would take longer than a statement may.
subtest 'many are referred to' => sub {
    my $answers = sub {
        my ($name, $with, $tables) = @_;
        my $conninfo = $pg->conninfo($pg->create_database($name));
        $pg->psql($tables, database => $name);
        my $other = Muster::Server->new(postgres => $pg, conninfo => $conninfo, schema => $with, conf => { workers => 1, statement_timeout => 10_000 * ($ENV{MUSTER_SLOW} // 1) });
        $pg->psql('alter table entity_attrs set (autovacuum_enabled = off); alter table entities set (autovacuum_enabled = off)', database => $name);
        load_many($pg, count => 20_000, attrs => 0, pool => 'all', analyze => 0, psql => { database => $name });
        $pg->psql("insert into entity_attrs (entity_id, key, datatype, relation_id, version) select e.entity_id, 'in', 'relation', p.entity_id, 1 from entities e, entities p where p.name = 'all' and e.name like 'server%9'", database => $name);
        my $front  = Muster::Front->new(server => $other);
        my $answer = $front->client->get('/search', query => { q => 'server' });
        is $answer->{status}, 200, $name or diag $answer->{body};
        is $front->client->get('/search', query => { q => 'all' })->{json}[1]{object}, '/basicserver/server000009', '... what refers to one';
        $front->stop;
        $other->stop;
        return;
    };
    $answers->('statistics_of_empty_tables', 1, '');
    $answers->('python_without_indexes',     0, python_tables());
};

subtest 'what the options say' => sub {
    my $check = sub { return $server->run_program(['--check-db'])->{out} };
    is $check->(), "0 found\n", '--check-db';
    $pg->psql('drop index muster_attrs_text');
    is $check->(), "index muster_attrs_text of entity_attrs is missing (muster --init-db makes it)\n1 found\n", 'one that is missing';
    is init_db(1), "created index muster_attrs_text\n", '... is made';
    is init_db(0), $created =~ s/created/dropped/gr, 'they are not wanted any more';
    is init_db(0), "nothing to do\n", 'nor missed';
    is $check->(), "0 found\n", '... by --check-db';
    init_db(1);
    my $dropped = $server->run_program(['--drop-extensions']);
    is $dropped->{status}, 0, '--drop-extensions' or diag $dropped->{err};
    is made(), '', '... takes them away';
    is $pg->psql("select count(*) from pg_extension where extname = 'pg_trgm'"), 1, '... but not what others may use';
};

subtest 'who may not create the extension' => sub {
    $pg->psql('create role builder login; grant pg_read_all_settings to builder');
    my $name = $pg->create_database('builders');
    $pg->psql('grant all on schema public to builder; revoke create on database builders from public', database => $name);
    my $other = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($name) =~ s/user=postgres/user=builder/r, schema => 0, start => 0);
    my $refused = qr/^GET \/search goes without an index: permission denied to create extension "pg_trgm"$/m;
    like $other->init_db->{out}, qr/created table entities.*$refused/ms, 'is told, and everything else is made';
    is $other->init_db->{out} =~ s/$refused//r, "\nnothing to do\n", '... again';
    $pg->psql("create schema elsewhere; create extension pg_trgm schema elsewhere; grant usage on schema elsewhere to builder", database => $name);
    is $other->init_db->{out}, $created, 'where somebody else has created it, in any schema, it is used';
    is $other->init_db->{out}, "nothing to do\n", '... once';
};

$world->stop;
done_testing;
