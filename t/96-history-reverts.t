#!/usr/bin/perl
# 96-history-reverts.t: random reverts against a model: exactly the facts of the reverted version change
# back, and what is refused changes nothing. MUSTER_REVERTS (300) says how many, in rounds of 500 with a
# database of their own; MUSTER_SEED sets the dice.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(parallel);
use Muster::Json qw(pick);
use Muster::World;

my $REVERTS = $ENV{MUSTER_REVERTS} // 300;
my $SEED    = $ENV{MUSTER_SEED} // int(rand 2**31);
my $CLIENTS = 4;
diag "seed $SEED, $REVERTS reverts";
srand $SEED;

my ($world, $pg);
sub sql { return $pg->psql($_[0]) }

# The model: what is so as of a version, one text a fact. An object that came back counts as what it was.
my $MODEL = <<'SQL';
create table model_root (id integer primary key, root integer not null);
create function model_facts(v integer) returns setof text language sql stable as $$
    with e as (select e.entity_id, coalesce(r.root, e.entity_id) as root, coalesce(w.name, e.name) as name, coalesce(w.driver, e.driver) as driver
        from entities e left join model_root r on r.id = e.entity_id
        left join muster_was w on w.entity_id = e.entity_id and w.version <= v and w.until > v
        where e.version <= v and coalesce(e.deleted_at_version, 2147483647) > v)
    select format('%s is /%s/%s', root, driver, name) from e
    union all select format('%s %s.%s:%s %s=%s', e.root, a.key, a.subkey, a.number, a.datatype, coalesce(a.string_value, a.int_value::text, 'to ' || t.root))
      from e join entity_attrs a on a.entity_id = e.entity_id and a.version <= v and coalesce(a.deleted_at_version, 2147483647) > v
      left join e t on t.entity_id = a.relation_id where a.key <> '_lastip' $$;
create function model_delta(v integer) returns setof text language sql stable as $$
    (select '+' || f from (select model_facts(v) as f except all select model_facts(v - 1)) a)
    union all (select '-' || f from (select model_facts(v - 1) as f except all select model_facts(v)) b) $$;
-- Version n has undone version v: what is not its opposite.
create function model_undone(n integer, v integer) returns setof text language sql as $$
    insert into model_root select x.entity_id, coalesce(r.root, o.entity_id) from entities o
        left join muster_was w on w.entity_id = o.entity_id and w.until = v
        join entities x on x.version = n and coalesce(w.name, o.name) = coalesce((select name from muster_was y where y.entity_id = x.entity_id
            and y.version <= n and y.until > n), x.name)
        left join model_root r on r.id = o.entity_id where o.deleted_at_version = v and o.version < v on conflict do nothing;
    with done as (select model_delta(n) as f), wanted as (select translate(left(f, 1), '+-', '-+') || substr(f, 2) as f from model_delta(v) f)
    (table done except all table wanted) union all (select 'not ' || f from (table wanted except all table done) x) $$;
-- Version n has brought the object back to version v: what is otherwise than then, or changed of others.
create function model_brought_back(n integer, id integer, v integer) returns setof text language sql stable as $$
    with before as (select f from model_facts(v) f where f like (select coalesce(max(root), $2) from model_root r where r.id = $2) || ' %.%'),
    now as (select f from model_facts(n) f where f like (select coalesce(max(root), $2) from model_root r where r.id = $2) || ' %.%')
    (table before except all table now) union all (table now except all table before)
    union all select 'other ' || f from model_delta(n) f where f not like '_' || (select coalesce(max(root), $2) from model_root r where r.id = $2) || ' %' $$;
SQL

# --- writes

sub a_server { return 's' . int(1 + rand 10) }
sub a_pool   { return pick(map({ "p$_" } 1 .. 3), 'u1', 'u2', 'x') }

my $LIVE = 'deleted_at_version is null';
sub id { my ($name) = @_; return "(select entity_id from entities where name = '$name' and $LIVE)" }
my %WRITE = (
    set    => sub { $_[0]->put('/attribute/' . a_server() . '/' . pick(qw(k l)), form => { value => pick(qw(a b c)) }) },
    set2   => sub { $_[0]->put('/attribute/' . a_server() . '/' . pick(qw(k l)), form => { value => pick(qw(a b c)) }) },
    add    => sub { $_[0]->post('/attribute/' . a_server(), form => [ key => pick(qw(k l)), subkey => pick(qw(x y)), value => pick(1 .. 3) ]) },
    refer  => sub { $_[0]->put('/attribute/' . a_server() . '/ref', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/' . a_server() . '"}') },
    drop   => sub { $_[0]->delete('/attribute/' . a_server() . '/' . pick(qw(k l))) },
    create => sub { $_[0]->post('/entity/' . pick(qw(basicserver basicvirtualserver)), form => { name => a_server() }) },
    delete => sub { $_[0]->delete('/entity/basicserver/' . a_server()) },
    pool   => sub { $_[0]->post('/entity/pool', form => { name => pick(qw(p1 p2 p3)) }) },
    unpool => sub { $_[0]->delete('/entity/pool/' . pick(qw(p1 p2 p3))) },
    insert => sub { $_[0]->post('/entity/pool/' . a_pool(), form => { action => 'insert', device => pick(a_server(), a_pool()) }) },
    remove => sub { $_[0]->post('/entity/pool/' . a_pool(), form => { action => 'remove', device => pick(a_server(), a_pool()) }) },
    rack   => sub { my $u = int(1 + rand 8); $_[0]->post('/entity/basicrack/' . pick(qw(r1 r2)), form => [ action => pick(qw(insert move)), device => a_server(), rackU => $u, rackU => $u + 1 ]) },
    unrack => sub { $_[0]->post('/entity/basicrack/' . pick(qw(r1 r2)), form => [ action => 'remove', device => a_server() ]) },
    ip     => sub { $_[0]->post('/resourcemanager/ipmanager/net', form => { object => a_server() }) },
    ip2    => sub { $_[0]->post('/resourcemanager/ipmanager/net', form => { object => a_server(), resource => '10.9.0.' . int(2 + rand 4) }) },
    free   => sub { $_[0]->delete('/resourcemanager/ipmanager/net', form => { object => a_server() }) },
    name   => sub { $_[0]->post('/resourcemanager/simplenamemanager/names', form => [ object => a_server(), rand() < 0.5 ? (resource => pick(qw(n001 n002))) : () ]) },
);
# Past the service, numbered after the locks as muster does it: whoever takes a number first and waits for others
# then has effects at their numbers (such writers show up half between).
my $LOCK = 'lock table entities, entity_attrs in share row exclusive mode';
my %PAST = (
    value  => sub { "update entity_attrs set string_value = 'z' where $LIVE and key = '" . pick(qw(k l)) . "' and datatype = 'string' and entity_id = " . id(a_server()) },
    erase  => sub { "delete from entity_attrs where $LIVE and key = '" . pick(qw(k l ref)) . "' and entity_id = " . id(a_server()) },
    rename => sub { my ($s, $t) = (a_server(), a_server()); "update entities set name = '$t' where name = '$s' and $LIVE and @{[ id($t) ]} is null" },
    swap   => sub { my ($s, $t) = (a_server(), a_server()); "update entities set name = 'tmp' where name = '$s' and $LIVE and '$s' <> '$t' and @{[ id($t) ]} is not null; update entities set name = '$s' where name = '$t' and $LIVE and @{[ id('tmp') ]} is not null; update entities set name = '$t' where name = 'tmp' and $LIVE" },
    driver => sub { "update entities set driver = '" . pick(qw(basicserver basicvirtualserver)) . "' where $LIVE and name = '" . a_server() . "'" },
    moved  => sub { my ($s, $t) = (a_server(), a_server()); "update entity_attrs set entity_id = @{[ id($t) ]} where $LIVE and key = 'k' and entity_id = @{[ id($s) ]} and @{[ id($t) ]} is not null" },
    object => sub { my $s = a_server(); "delete from entity_attrs where @{[ id($s) ]} in (entity_id, relation_id); delete from counters where entity_id = @{[ id($s) ]}; delete from entities where entity_id = " . id($s) },
    several => sub { my $s = a_server(); "insert into entity_attrs(entity_id, key, datatype, string_value, version) select entity_id, 'k', 'string', 'many', 1 from entities where $LIVE and name like 's%'; update entity_attrs set deleted_at_version = 1 where $LIVE and key = 'l' and entity_id = " . id($s) },
);

# --- one client: writes and reverts, each of a version of late or of an object; what was said of each revert

sub client_run {
    my ($me, $count, $first) = @_;
    my $c = $world->front->client;
    my (@said, %made);
    my $latest = $first;
    for my $n (1 .. $count) {
        my $last;
        for (1 .. 1 + int rand 2) {
            if (rand() < 0.1) { my $what = pick(sort keys %PAST); eval { sql("begin; $LOCK; @{[ $PAST{$what}->() ]}; commit"); 1 } or $@ =~ /deadlock|unique|foreign key/ or die $@; next }
            my $answer = $WRITE{ pick(sort keys %WRITE) }->($c);
            $answer->{status} < 500 or die "$answer->{status} $answer->{body}";
            $last = $answer->{headers}{'clusto-version'} if $answer->{status} < 300;
            $made{$last} = 1 if $last;
        }
        $latest = $last if $last;
        my ($object, $answer);
        my $version = rand() < 0.4 && $last ? $last : $latest - int(rand() < 0.7 ? rand 12 : rand 60);
        $version = $first if $version < $first;
        if (rand() < 0.15) {
            $object = pick(a_server(), a_pool());
            $answer = $c->post('/revert', form => { object => $object, to => $version });
        }
        else {
            $answer = $c->post('/revert', form => { version => $version });
        }
        my $number = $answer->{headers}{'clusto-version'};
        $made{$number} = 1 if $number;
        push @said, [ $object, $version, $answer->{status}, $number, $answer->{headers}{'clusto-conflicts'}, ref $answer->{json} ? '' : $answer->{json} ];
    }
    return { said => \@said, made => [ keys %made ] };
}

my (%count, @wrong, %reason);
my $round = 0;

sub run_round {
    my ($reverts) = @_;
    $world = Muster::World->new(data => 0, conf => { workers => 2 * $CLIENTS });
    $pg    = $world->postgres;
    my $c = $world->client;
    for my $made ([ '/entity/basicserver', map { (name => "s$_") } 1 .. 10 ], [ '/entity/pool', map { (name => "p$_") } 1 .. 3 ], [ '/entity/unique_pool', name => 'u1', name => 'u2' ],
        [ '/entity/exclusive_pool', name => 'x' ], [ '/entity/basicrack', name => 'r1', name => 'r2' ], [ '/resourcemanager/ipmanager', name => 'net', baseip => '10.9.0.0', netmask => '24' ],
        [ '/resourcemanager/simplenamemanager', name => 'names', basename => 'n', digits => 3 ]) {
        my ($path, @form) = @$made;
        my $answer = $c->post($path, form => \@form);
        $answer->{status} == 201 or die "$path: $answer->{status} $answer->{body}";
    }
    my $first = sql('select max(version) from clustoversioning');
    sql($MODEL);
    my @done = parallel($CLIENTS, sub { my ($me) = @_; srand $SEED + 100 * $round + $me; return client_run($me, int($reverts / $CLIENTS + 0.5), $first) }, timeout => 900);
    my @died = grep { !$_->{said} } @done;
    is_deeply \@died, [], 'every client came to its end' or diag explain \@died;
    my @said = map { @{ $_->{said} // [] } } @done;

    # What has a number, and was not told by an answer, is by psql.
    my %made    = map { $_ => 1 } map { @{ $_->{made} // [] } } @done;
    my @strange = grep { !$made{$_} } sql("select version from clustoversioning where version > $first and description not like 'written past%'");
    is_deeply \@strange, [], 'no version comes from what was refused';
    my @checks;
    for (sort { ($a->[3] // 0) <=> ($b->[3] // 0) } @said) {
        my ($object, $version, $status, $number, $conflicts, $message) = @$_;
        $count{ ($object ? 'object ' : '') . ($status == 200 && !$number ? 'nothing to do' : $status) }++;
        if ($status == 409) {
            $reason{$_}++ for $message =~ /: ([a-z][a-z ]+)(?= \(version)/g, $message =~ /^(A rule)/;
            push @wrong, "$version: refused because of $conflicts, $message" if defined $conflicts && grep { $_ <= $version - !$object } split /,/, $conflicts;
            push @wrong, "$version: $message" if !defined $conflicts && $message !~ /^A rule of containers/;
        }
        elsif ($status == 404 && $object || $status == 503 && $message =~ /is not settled/) { }
        elsif ($status != 200) { push @wrong, "$version: $status $message" }
        next if !$number;
        push @checks, $object ? "select '$object back to $version: ' || f from model_brought_back($number, (select max(entity_id) from entities e where version < $number
            and coalesce(deleted_at_version, 2147483647) > $number and coalesce((select name from muster_was w where w.entity_id = e.entity_id and w.version < $number and w.until > $number - 1 order by until limit 1), name) = '$object'), $version) f"
            : "select 'version $number, which undid $version: ' || f from model_undone($number, $version) f";
    }
    push @wrong, sql(join ";\n", @checks) if @checks;
    $world->stop;
    return;
}

for (my $left = $REVERTS; $left > 0; $left -= 500) {
    run_round($left < 500 ? $left : 500);
    $round++;
}
diag join ', ', map { "$count{$_} x $_" } sort keys %count;
diag join ', ', map { "$reason{$_} x $_" } sort keys %reason;
is scalar(@wrong), 0, 'each revert changed exactly what it had to, and each refusal is by a later version' or diag join "\n", @wrong > 20 ? @wrong[ 0 .. 19 ] : @wrong;
cmp_ok($count{200} // 0, '>', $REVERTS / 10, 'many were done');
cmp_ok($count{409} // 0, '>', $REVERTS / 10, 'many were refused');
done_testing;
