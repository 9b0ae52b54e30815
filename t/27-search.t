# 27-search.t: GET /search with the indexes of the setting search_index: the same answers as without, few pages read
# where there is much, and what --init-db, --check-db and --drop-extensions say of them.
use v5.24;
use warnings;
use utf8;
use Encode ();
use JSON::PP ();
use Muster::Data qw(load_many);
use Muster::Process qw(poll);
use Muster::Server;
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $world = Muster::World->new(data => 0, conf => { workers => 1 });
my ($pg, $server, $client) = ($world->postgres, $world->server, $world->client);
my @indexes = qw(muster_attrs_text muster_entities_text);

$pg->psql("select 1 from pg_available_extensions where name = 'pg_trgm'")
    or plan skip_all => 'pg_trgm is not installed (it comes with PostgreSQL)';

sub search  { return $client->get('/search', query => { q => Encode::encode('UTF-8', $_[0]) }) }
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

my @texts = map { text(12) } 1 .. 300;
$pg->psql(Encode::encode('UTF-8', "insert into entities (name, type, driver, version) select 'o' || n, 'pool', 'pool', 1 from generate_series(0, 99) n;"
    . join '', map { "insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'k', 'string', '" . $texts[$_] =~ s/'/''/gr . "', 1 from entities where name = 'o" . $_ % 100 . "';" } 0 .. $#texts));
# Parts of what is there in another case, and anything.
my @questions = ('o1', 'O99', '%', '_', '\\', '___', '%%%', '\\\\\\');
for (1 .. 150) {
    my $text = $texts[ rand @texts ];
    my $part = substr $text, rand length $text, 1 + rand 6;
    push @questions, (sub { uc $part }, sub { lc $part }, sub { $part }, sub { text(4) })[ rand 4 ]->();
}
@questions = grep { /\S/ } @questions;

subtest 'the same answers' => sub {
    is made(), '', 'there is no index unless it is wanted';
    my @without = map { search($_)->{body} } @questions;
    is init_db(1), "created extension pg_trgm\ncreated index muster_entities_text\ncreated index muster_attrs_text\n", 'it is made';
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
    $server->restart;
    poll(30, sub { my $rows = rows(); sleep 2; return $rows == rows() });
    my ($used, $rows) = (used(), rows());
    is search('1 OF server012345')->{json}[0]{object}, '/basicserver/server012345', 'an attribute is found';
    is search('ver01234')->{json}[9]{object}, '/basicserver/server012349', 'and names';
    ok poll(30, sub { used() >= $used + 4 }), 'by the indexes';
    is rows(), $rows, 'no table was read as a whole';
    is @{ search('se')->{json} }, 50, 'what is too short for that is found as well';
};

subtest 'what the options say' => sub {
    my $check = sub { return $server->run_program(['--check-db'])->{out} };
    is $check->(), "0 found\n", '--check-db';
    $pg->psql('drop index muster_attrs_text');
    is $check->(), "index muster_attrs_text of entity_attrs is missing (muster --init-db makes it)\n1 found\n", 'one that is missing';
    is init_db(1), "created index muster_attrs_text\n", '... is made';
    is init_db(0), "dropped index muster_entities_text\ndropped index muster_attrs_text\n", 'they are not wanted any more';
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
    my $other = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($name) =~ s/user=postgres/user=builder/r, schema => 0, start => 0, conf => { search_index => JSON::PP::true });
    my $refused = qr/^GET \/search goes without an index: permission denied to create extension "pg_trgm"$/m;
    like $other->init_db->{out}, qr/created table entities.*$refused/ms, 'is told, and everything else is made';
    is $other->init_db->{out} =~ s/$refused//r, "\nnothing to do\n", '... again';
    $pg->psql("create schema elsewhere; create extension pg_trgm schema elsewhere; grant usage on schema elsewhere to builder", database => $name);
    is $other->init_db->{out}, "created index muster_entities_text\ncreated index muster_attrs_text\n", 'where somebody else has created it, in any schema, it is used';
    is $other->init_db->{out}, "nothing to do\n", '... once';
};

$world->stop;
done_testing;
