#!/usr/bin/perl
# 97-prune.t: muster --prune-history: what had ended goes, nothing that can still be read changes, whoever
# reads, writes or breaks it off meanwhile. MUSTER_SEED sets the dice.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Muster::Client qw(parallel);
use Muster::Json qw(pick);
use Muster::Process qw(poll slurp spew);
use Muster::Versions qw(must);
use Muster::World;
use Test::More;

my $SEED = $ENV{MUSTER_SEED} // int(rand 2**31);
diag "seed $SEED";
srand $SEED;

# All workers may write: or on a busy machine a write that waits for another would be refused.
my $world  = Muster::World->new(data => 0, conf => { workers => 4, write_workers => 4 });
my $pg     = $world->postgres;
my $client = $world->front->client;

sub sql    { return $pg->psql($_[0]) }
sub latest { return scalar sql('select max(version) from clustoversioning') }

sub prune {
    my ($what) = @_;
    my $result = $world->server->run_program([ '--prune-history', $what ]);
    is $result->{status}, 0, "--prune-history $what" or diag "$result->{out}$result->{err}";
    return $result->{out};
}

my @QUESTIONS = ((map { ("/by-name/s$_", "/attribute/s$_") } 1 .. 8), '/by-name/p', '/entity/', '/entity/basicserver', '/from-pools?pool=p', '/by-attr?key=k', '/by-attr?key=k&value=1');

sub ask {
    my ($c, $question, $version) = @_;
    my $answer = $c->get($question, headers => { 'Clusto-Mode' => 'expanded', 'Clusto-As-Of' => $version });
    return ($answer, "$answer->{status}\n$answer->{body}");
}

# Something that ends rows, in each of the ways.
sub change {
    my ($c, $server) = @_;
    my $name = "s$server";
    my $dice = rand;
    return $c->put("/attribute/$name/k", form => { value => int rand 3 }) if $dice < 0.6;
    return $c->delete("/attribute/$name/k") if $dice < 0.7;
    return $c->delete("/entity/basicserver/$name") if $dice < 0.8;
    return $c->post('/entity/basicserver', form => { name => $name }) if $dice < 0.9;
    return $c->post('/entity/pool/p', form => { action => pick(qw(insert remove)), device => $name });
}

must($client->post('/entity/pool', form => { name => 'p' }));
must($client->post('/entity/basicserver', form => [ map { (name => "s$_") } 1 .. 8 ]));

subtest 'what goes and what stays' => sub {
    for (1 .. 60) {
        my $answer = change($client, int(1 + rand 8));
        $answer->{status} < 500 or die $answer->{body};
    }
    # As Python clusto: its numbers, rows erased, a counter; and names changed in place.
    must($client->post('/entity/basicserver', form => [ map { (name => $_) } qw(counted erased renamed) ]));
    sql("insert into counters(entity_id, attr_key, value) select entity_id, 'x', 1 from entities where name = 'counted'");
    sql("update entities set deleted_at_version = 1 where name = 'counted'");
    sql("insert into counters(entity_id, attr_key, value) select entity_id, 'x', 1 from entities where name = 'counted'");
    sql("insert into clustoversioning(timestamp, \"user\", description) values (localtimestamp, 'python', 'set');
        insert into entity_attrs(entity_id, key, datatype, string_value, version) select entity_id, 'py', 'string', 'a', (select max(version) from clustoversioning) from entities where name = 'renamed'");
    sql("update entity_attrs set deleted_at_version = (select max(version) from clustoversioning) where key = 'py'");
    sql("delete from entity_attrs where entity_id = (select entity_id from entities where name = 'erased'); delete from entities where name = 'erased'");
    sql("update entities set name = 'renamed2' where name = 'renamed'");
    sql("update entity_attrs set int_value = 9 where key = 'k' and deleted_at_version is null");
    sql("insert into clustoversioning(description) values ('of nothing')");
    my $floor = must($client->put('/attribute/p/k', form => { value => 1 }));
    for (1 .. 20) { change($client, int(1 + rand 8)) }
    my $end = latest();
    my @before = map { my $v = $_; map { [ $_, $v, (ask($client, $_, $v))[1] ] } @QUESTIONS } $floor - 5 .. $end;
    ask($client, $_->[0], $_->[1]) for @before;    # once more: now they are in the cache

    my $ended  = sql("select count(*) from entity_attrs where deleted_at_version <= $floor");
    my $told   = sql('select count(*) from muster_change where key <> 0');
    my $out    = prune("v$floor");
    like $out, qr/^history is kept from version $floor on\nattributes: $ended deleted\nobjects: (\d+) deleted\nnames: 1 deleted\nversions: (\d+) deleted$/, 'says what it did';
    cmp_ok $ended, '>', 5, 'there was something to delete';
    is sql('select count(*) from muster_change where key <> 0'), $told, 'and tells no cache and no follower';
    my (@wrong, $gone);
    for (@before) {
        my ($question, $version, $text) = @$_;
        my ($answer, $now) = ask($client, $question, $version);
        if ($version < $floor) {
            $gone++ if $answer->{status} == 410 && $answer->{headers}{'clusto-oldest'} == $floor;
        }
        else {
            push @wrong, "$question as of $version: $now" if $now ne $text;
        }
    }
    my ($pruned) = sql("select v from generate_series($floor - 5, $floor) v where not exists (select from clustoversioning where version = v) order by 1 limit 1");
    is $client->get('/by-name/p', headers => { 'Clusto-Min-Version' => $_ })->{status}, $_ > $end ? 503 : 200, "nobody waits for version $_, unless it is to come" for grep { defined } $pruned, $floor, $end, $end + 1;
    ok defined $pruned, 'a version is there no more';
    is $gone, 5 * @QUESTIONS, 'below the floor each answer is 410, those in the cache too';
    is_deeply \@wrong, [], 'at and above it each is what it was';
    is sql("select count(*) from entity_attrs where deleted_at_version <= $floor"), 0, 'no row that had ended is left';
    is join(' ', sql("select name from entities where deleted_at_version <= $floor")), 'counted', 'nor an object, but that which a counter names';
    is sql("select count(*) from muster_was where until <= $floor"), 0, 'nor a name from before';
    is sql("select count(*) from muster_copy where attr_id not in (select attr_id from entity_attrs)"), 0, 'nor what belongs to those';
    is sql("select count(*) from clustoversioning v where version < $floor and not exists (select from entities e where v.version in (e.version, e.deleted_at_version))
        and not exists (select from entity_attrs a where v.version in (a.version, a.deleted_at_version))"), 0, 'nor a version of which there is nothing';
    is sql("select count(*) from (select version from entities union select version from entity_attrs union select deleted_at_version from entity_attrs where deleted_at_version is not null) r
        where not exists (select from clustoversioning v where v.version = r.version)"), 0, 'of what is left each version is known';
    is sql('select exact from muster_floor') <= $floor, 1, 'what can be read is exact';
    is $world->server->run_program(['--check-db'])->{out}, "0 found\n", 'the database is sound';
    my $again = prune("v$floor");
    is $again, "history is kept from version $floor on\nattributes: 0 deleted\nobjects: 0 deleted\nnames: 0 deleted\nversions: 0 deleted\n", 'again: nothing is left to do';
    like prune('v1'), qr/^history is kept from version $floor on$/m, 'the floor is never lowered';
};

subtest 'days' => sub {
    must($client->put('/attribute/s9/k', form => { value => $_ })) for (must($client->post('/entity/basicserver', form => { name => 's9' })) ? 1 .. 4 : ());
    my $latest = latest();
    sql("update clustoversioning set muster_at = now() - interval '40 days' where version <= $latest - 2");
    like prune(30), qr/^history is kept from version @{[ $latest - 2 ]} on$/m, 'from the last version on that is older';
    is sql("select count(*) from entity_attrs where key = 'k' and deleted_at_version <= $latest - 2"), 0, 'what had ended by then is gone';
    like prune(9_000_000), qr/^history is kept from version @{[ $latest - 2 ]} on$/m, 'more days than there were';
    like prune(0), qr/^history is kept from version $latest on$/m, 'none';
    is $client->get('/by-name/s9', headers => { 'Clusto-As-Of' => 'now' })->{headers}{'clusto-as-of'}, $latest, 'the latest version can be read';
};

subtest 'a write is under way' => sub {
    my $end     = $pg->hold("insert into clustoversioning(description) values ('slow')");
    my $latest  = latest();
    my $version = must($client->put('/attribute/s9/k', form => { value => 'x' }));
    like prune("v$version"), qr/^history is kept from version $latest on$/m, 'up to the latest settled version';
    $end->();
};

subtest 'a row that is locked' => sub {
    my $version = must($client->put('/attribute/s9/k', form => { value => 'y' }));
    my $row = sql("select min(attr_id) from entity_attrs where deleted_at_version <= $version");
    my $end = $pg->hold("select from entity_attrs where attr_id = $row for update");
    prune("v$version");
    is join(' ', sql("select attr_id from entity_attrs where deleted_at_version <= $version")), $row, 'is left out';
    $end->();
    prune("v$version");
    is sql("select count(*) from entity_attrs where deleted_at_version <= $version"), 0, 'until the next time';
};

subtest 'what is refused' => sub {
    for ([ 'yesterday', 2 ], [ '-1', 2 ], [ 'v', 2 ], [ '', 2 ], [ 'v' . (latest() + 1), 1 ]) {
        my ($what, $status) = @$_;
        my $floor  = sql('select oldest from muster_floor');
        my $result = $world->server->run_program([ '--prune-history', $what ]);
        is $result->{status}, $status, "'$what'" or diag $result->{err};
        is sql('select oldest from muster_floor'), $floor, 'nothing was done';
    }
    is $world->server->run_program([ '--prune-history', 1, '--init-db' ])->{status}, 2, 'two things at once';
};

# A trigger of somebody's makes each batch take a while.
subtest 'broken off, and run again' => sub {
    my $version = latest();
    sql("insert into entity_attrs(entity_id, key, datatype, int_value, version, deleted_at_version)
        select entity_id, 'many', 'int', n, $version, $version from generate_series(1, 20000) n, entities where name = 'p'");
    my $pause = 0.1 * ($ENV{MUSTER_SLOW} // 1);
    sql('create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(' . $pause . '); return null; end $$;
        create trigger slow after delete on entity_attrs for each statement execute function slow()');
    my $left   = sub { sql("select count(*) from entity_attrs where key = 'many'") };
    my $out    = $world->server->dir . '/prune';
    my $prune  = Muster::Process->start([ $world->server->command('--prune-history', "v$version") ], out => $out, cwd => '/');
    ok poll(30, sub { $left->() < 20000 }), 'it has begun';
    ok poll(30, sub { slurp($out) =~ /^attributes: \d+ deleted so far$/m }), 'and says how far it is';
    $prune->stop('INT');
    my $rest = $left->();
    cmp_ok $rest, '>', 0, 'it was broken off';
    is $rest % 1000, 0, 'between two batches';
    is sql('select oldest from muster_floor'), $version, 'nobody reads below the floor';
    sql('drop function slow cascade');
    like prune("v$version"), qr/^attributes: (\d+) deleted$/m, 'the next run goes on';
    is $left->(), 0, 'to the end';
};

# Readers know what was answered at each version; pruning goes on all the time, for some seconds, more than once, and until
# a reader has met a version that is not kept any more.
subtest 'under load' => sub {
    must($client->post('/entity/basicserver', form => { name => 'readers' }));
    my $until = time + 6;
    my ($over, $gone) = map { $world->server->dir . $_ } '/over', '/gone';
    my @done = parallel(10, sub {
        my ($n) = @_;
        srand $SEED + $n;
        my $c = $world->front->client;
        if ($n == 0) {
            my $runs = 0;
            while (time < $until || $runs < 2 || !-e $gone && time < $until + 60) {
                my $result = $world->server->run_program([ '--prune-history', 'v' . (latest() - 15) ]);
                $runs++;
                next if $result->{status} == 0;
                spew($over, '');
                return { failed => "$result->{out}$result->{err}" };
            }
            spew($over, '');
            return { runs => $runs };
        }
        my (%status, %known);
        while (!-e $over) {
            if ($n < 5) {
                $status{ change($c, int(1 + rand 8))->{status} }++;
                next;
            }
            my ($question, $version) = rand() < 0.5 || !%known ? (pick(@QUESTIONS), 'now') : split / /, pick(keys %known);
            my ($answer, $text) = ask($c, $question, $version);
            my ($as_of, $oldest) = @{ $answer->{headers} }{qw(clusto-as-of clusto-oldest)};
            if ($answer->{status} == 410) {
                $status{ $oldest > $version ? 410 : "410, the oldest is $oldest" }++;
                spew($gone, '');
                delete $known{"$question $version"};
                next;
            }
            my $before = $known{"$question $as_of"} //= $text;
            $status{ $before ne $text ? "another answer: $question as of $as_of" : $answer->{status} }++;
        }
        return \%status;
    }, timeout => 120);
    cmp_ok $done[0]{runs} // 0, '>', 1, 'it was pruned again and again' or diag explain $done[0];
    my (%read, %written);
    for my $n (1 .. 9) { ($n < 5 ? \%written : \%read)->{$_} += $done[$n]{$_} for keys %{ $done[$n] } }
    note explain \%read, \%written;
    is_deeply [ grep { !/^(?:20[0124]|404|409)$/ } sort keys %written ], [], 'no write failed';
    is_deeply [ grep { !/^(?:200|404|410)$/ } sort keys %read ], [], 'no answer changed: it stays, or is 410';
    cmp_ok $read{410} // 0, '>', 0, 'some were not kept any more';
    is $world->server->run_program(['--check-db'])->{out}, "0 found\n", 'the database is sound';
};

$world->stop;
done_testing;
