# 58-freshness.t: kept answers are never old: readers and writers on two servers and past them, for a
# bounded time, at first in peace, then while workers are killed and the database loses sessions and crashes; what
# was acknowledged before a request began must be in its answer.
# MUSTER_FRESHNESS_SECONDS (15), MUSTER_SEED.
use v5.24;
use warnings;
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Time::HiRes qw(time sleep);

my $SECONDS = $ENV{MUSTER_FRESHNESS_SECONDS} // 15;
my $SEED    = $ENV{MUSTER_SEED} // int(rand 2**31);
diag "seed $SEED, $SECONDS seconds";

my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });    # a crash loses nothing
my @servers  = map { Muster::Server->new(postgres => $postgres, conf => { workers => 3, cache_size => 8, restart_limit => 1000 }) } 1 .. 2;
my @fronts   = map { Muster::Front->new(server => $_) } @servers;
my $client   = $fronts[0]->client;
my $other    = $fronts[1]->client;

sub psql { return $postgres->psql(@_) }
sub attr { my ($c, $name) = @_; return join ',', map { $_->{value} } @{ $c->get("/attribute/$name/v")->{json} } }

$client->post('/entity/basicserver', form => [ map { (name => "s$_") } 1 .. 8 ]);
$client->post('/entity/pool', form => [ name => 'p', name => 'q' ]);

subtest 'whoever writes' => sub {
    is(attr($client, 's1'), '', 'read, and so kept');
    is(attr($client, 's1'), '', 'read again');
    $other->put('/attribute/s1/v', form => { value => 'other' });
    is(attr($client, 's1'), 'other', 'another server wrote');
    psql("insert into entity_attrs (entity_id, key, datatype, string_value, version)
        select entity_id, 'v', 'string', 'psql', 1 from entities where name = 's1'");
    is(attr($client, 's1'), 'other,psql', 'psql inserted');
    psql("update entity_attrs set string_value = 'changed' where string_value = 'psql'");
    is(attr($client, 's1'), 'other,changed', 'psql updated');
    psql("delete from entity_attrs where string_value = 'changed'");
    is(attr($client, 's1'), 'other', 'psql deleted');
    psql("begin; update entity_attrs set string_value = 'never' where string_value = 'other'; rollback");
    is(attr($client, 's1'), 'other', 'psql changed its mind');
    psql("set session_replication_role = replica; update entity_attrs set string_value = 'replica' where string_value = 'other'");
    is(attr($client, 's1'), 'replica', 'also a session that fires no ordinary triggers');

    is_deeply($client->get('/by-name/s2')->{json}{parents}, [], 's2 is in nothing, in the kept answer too') for 1 .. 2;
    is_deeply($client->get('/by-name/p')->{json}{contents}, [], 'p holds nothing') for 1 .. 2;
    is_deeply($client->get('/from-pools?pool=p')->{json}, [], 'nor has it anything to list') for 1 .. 2;
    $other->post('/entity/pool/p', form => { action => 'insert', device => 's2' });
    is_deeply($client->get('/by-name/s2')->{json}{parents}, ['/pool/p'], 'the member knows');
    is_deeply($client->get('/by-name/p')->{json}{contents}, ['/basicserver/s2'], 'the pool knows');
    is_deeply($client->get('/from-pools?pool=p')->{json}, ['/basicserver/s2'], 'the list knows') for 1 .. 2;
    psql("update entities set name = 'renamed' where name = 's2'");
    is_deeply($client->get('/by-name/p')->{json}{contents}, ['/basicserver/renamed'], 'a name changed by hand');
    is($client->get('/by-name/s2')->{status}, 404, 'the old one is gone');
    $other->delete('/entity/basicserver/renamed');
    is_deeply($client->get('/by-name/p')->{json}{contents}, [], 'a deleted member');

    my @as = (headers => { 'X-User-Id' => 'ann' });
    $client->post('/preferences/box', @as, json => { a => 1 });
    is($client->get('/preferences/box/a', @as)->{json}, 1, 'a preference') for 1 .. 2;
    $other->post('/preferences/box/a', @as, body => '2', type => 'application/json');
    is($client->get('/preferences/box/a', @as)->{json}, 2, 'changed on another server');
    is($client->get('/preferences/box/a', headers => { 'X-User-Id' => 'bob' })->{status}, 404, 'another user does not see it');

    # Paths that only a careless key would take for each other.
    $client->post('/preferences/keys', @as, json => { "\x01a" => 'one', a => { b => 'two' } });
    for (1 .. 2) {
        is($client->get('/preferences/keys/%01a', @as)->{json}, 'one', 'a key that begins with a control character');
        is($client->get('/preferences/keys/a/b', @as)->{json}, 'two', 'another path');
    }

    # A transaction that began, and got its number, before others committed, and commits after them.
    open my $psql, '|-', $postgres->{bin} . '/psql', '-q', '-d', $postgres->conninfo or die $!;
    my $old = select $psql; $| = 1; select $old;
    say {$psql} "begin; insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'v', 'string', 'late', 1 from entities where name = 's3';";
    ok(poll(10, sub { psql("select count(*) from pg_stat_activity where state = 'idle in transaction'") }), 'one begins to write');
    $other->put('/attribute/s3/w', form => { value => 'quick' });
    is(attr($client, 's3'), '', 'it is not seen yet') for 1 .. 3;
    say {$psql} 'commit;';
    close $psql;
    is(attr($client, 's3'), 'late', 'it is seen when it commits, though later numbers were seen before');

    psql('truncate entity_attrs');
    is(attr($client, 's3'), '', 'truncate');
};

subtest 'after a crash of the database' => sub {
    $client->put('/attribute/s4/v', form => { value => 'one' });
    is(attr($client, 's4'), 'one', 'kept') for 1 .. 2;
    $postgres->stop('immediate');
    $postgres->start;
    psql("update entity_attrs set string_value = 'two' where string_value = 'one'");
    my $got;
    poll(10, sub { my $a = $client->get('/attribute/s4/v'); $got = ref $a->{json} eq 'ARRAY' ? join ',', map { $_->{value} } @{ $a->{json} } : $a->{body}; $got eq 'two' });
    is($got, 'two', 'what was changed before anybody asked again is seen');
};

subtest 'a worker killed while it may hold a lock' => sub {
    for my $round (1 .. 5) {
        my ($pid) = $servers[0]->workers(3);
        kill 'KILL', $pid;
        my @bad = grep { $_->{status} != 200 } map { $client->get('/by-name/s4') } 1 .. 20;
        cmp_ok(scalar @bad, '<=', 1, 'the others go on');
    }
};

# What can happen to those who keep answers, at any moment.
my @trouble = (
    (sub { kill 'KILL', ($_[0]->workers)[ rand 3 ] // return }) x 8,
    (sub { psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%' and random() < 0.5", fails => 1) }) x 2,
    sub { kill 'KILL', psql("select pid from pg_stat_activity where application_name like 'muster%' order by random() limit 1", fails => 1)->{out} =~ /(\d+)/ },
);

# Writers count up, each its own objects; readers note what was acknowledged before they ask.
for my $peace (1, 0) {
    my $file = Muster::Process::temp_dir() . '/acknowledged';
    { open my $out, '>', $file or die $!; print {$out} "\0" x (8 * 8); close $out; }
    psql("delete from entity_attrs where key = 'n'");
    my @counts = parallel($peace ? 12 : 13, sub {
        my ($me) = @_;
        srand $SEED + $me;
        my $c   = $fronts[ $me % 2 ]->client;
        my $end = time + $SECONDS / 2;
        if ($me == 12) {
            for (; time < $end; sleep 0.05 + rand 0.3) { $trouble[ rand @trouble ]->($servers[ rand 2 ]) }
            return [0];
        }
        open my $shared, '+<', $file or die $!;
        my ($done, @stale) = (0);
        if ($me < 4) {    # writers: objects me+1 and me+5 are theirs
            for (my $n = 1; time < $end; $n++) {
                my $object = $me + ($n % 2 ? 1 : 5);
                next if $object == 2;
                my $answer = $c->put("/attribute/s$object/n", form => { value => $n, datatype => 'int' });
                next unless $answer->{status} == 200;
                sysseek $shared, 8 * ($object - 1), 0;
                syswrite $shared, pack('Q', $n);
                $done++;
            }
        }
        else {
            while (time < $end) {
                my $object = 1 + int rand 8;
                next if $object == 2;
                sysseek $shared, 8 * ($object - 1), 0;
                sysread $shared, my $bytes, 8;
                my $least  = unpack 'Q', $bytes;
                my $answer = $c->get(rand() < 0.5 ? "/attribute/s$object/n" : "/by-name/s$object");
                next unless $answer->{status} == 200;
                my $attrs = ref $answer->{json} eq 'HASH' ? $answer->{json}{attrs} : $answer->{json};
                my ($got) = map { $_->{value} } grep { $_->{key} eq 'n' } @$attrs;
                push @stale, "s$object: $least was acknowledged, " . ($got // 'nothing') . ' was read' if ($got // 0) < $least;
                $done++;
            }
        }
        return [ $done, @stale ];
    }, timeout => $SECONDS + 60);
    my @died = grep { ref eq 'HASH' } @counts;
    is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
    my @stale = map { @$_[ 1 .. $#$_ ] } grep { ref eq 'ARRAY' } @counts;
    diag 'writes and reads: ' . join ' ', map { ref eq 'ARRAY' ? $_->[0] : '-' } @counts;
    is_deeply(\@stale, [], $peace ? 'not one stale answer' : 'nor when there is trouble');
}
is(scalar(grep { / 500 / } map { split /\n/, $_->log } @servers), 0, 'no request ended with 500');

$_->stop for @fronts, @servers;
done_testing;
