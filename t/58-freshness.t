# 58-freshness.t: cached responses are never old: readers and writers on two servers and past them, for a
# bounded time, at first in peace, then while workers are killed and the database loses sessions and crashes; what
# was acknowledged before a request began must be in its response.
# MUSTER_FRESHNESS_SECONDS (15), MUSTER_SEED.
use v5.24;
use warnings;
use IPC::Open2 qw(open2);
use Test::More;
use Muster::Acknowledged;
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
    my $end = $postgres->begin("insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'v', 'string', 'late', 1 from entities where name = 's3'");
    ok($end, 'one begins to write');
    $other->put('/attribute/s3/w', form => { value => 'quick' });
    is(attr($client, 's3'), '', 'it is not seen yet') for 1 .. 3;
    $end->('commit');
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

# What can happen to the servers and their caches, at any moment.
my @trouble = (
    (sub { kill 'KILL', ($_[0]->workers)[ rand 3 ] // return }) x 8,
    (sub { psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%' and random() < 0.5", fails => 1) }) x 2,
    sub { kill 'KILL', psql("select pid from pg_stat_activity where application_name like 'muster%' order by random() limit 1", fails => 1)->{out} =~ /(\d+)/ },
);

# Writers count up, each its own things; readers note what was acknowledged before they ask. x writes past
# all servers, as Python clusto does, and so is y renamed: both by psql, which changes its mind now and then.
my @OBJECTS = ((map { "s$_" } grep { $_ != 2 } 1 .. 8), 'x');
my $NEVER   = 1_000_000_000;                   # what was rolled back is above it
my @ann     = (headers => { 'X-User-Id' => 'ann' });
my $known   = Muster::Acknowledged->new(@OBJECTS, 'y', 'box');
my $late    = Muster::Process::temp_dir() . '/unanswered';
my ($WRITERS, $READERS) = (6, 6);

$client->post('/entity/basicserver', form => [ name => 'x', name => 'y-0' ]);
$client->post('/entity/pool', form => [ name => 'r' ]);
$client->post('/entity/pool/r', form => [ action => 'insert', device => 'y-0' ]);
$client->post('/entity/pool/q', form => [ action => 'insert', map { (device => $_) } @OBJECTS ]);

# A write without a response (its worker was killed) may still be on its way in the database, and take
# effect after others that were acknowledged later.
sub unanswered {
    my ($what, $n) = @_;
    state $shared = do { open my $out, '>>', $late or die $!; $out };
    syswrite $shared, "$what $n\n";
    return 0;
}

# Until the end: the number of writes that were acknowledged.
sub write_objects {
    my ($c, $end, @mine) = @_;
    my $done = 0;
    for (my $n = 1; time < $end; $n++) {
        my $what   = $mine[ $n % @mine ];
        my $answer = $c->put("/attribute/$what/n", form => { value => $n, datatype => 'int' });
        $done += $answer->{status} == 200 ? $known->note($what, $n) : unanswered($what, $n);
    }
    return $done;
}

sub write_box {
    my ($c, $end) = @_;
    my $done = 0;
    for (my $n = 1; time < $end; $n++) {
        my $answer = $c->post('/preferences/box/n', @ann, body => $n, type => 'application/json');
        $done += $answer->{status} == 204 ? $known->note(box => $n) : unanswered('box', $n);
    }
    return $done;
}

sub write_past {
    my ($end) = @_;
    my ($in, $out, $pid, $done) = (undef, undef, undef, 0);
    local $SIG{PIPE} = 'IGNORE';
    for (my $n = 1; time < $end; $n++) {
        $pid //= open2($out, $in, 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', "$postgres->{bin}/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $postgres->conninfo);
        my ($rename, $mean) = (rand() < 0.1, rand() < 0.7);
        my $value = $mean ? $n : $NEVER + $n;
        my $change = $rename ? "update entities set name = 'y-$value' where name like 'y-%';" :
            "update entity_attrs set deleted_at_version = currval('clustoversioning_version_seq') where key = 'n' and deleted_at_version is null
                and entity_id = (select entity_id from entities where name = 'x');
            insert into entity_attrs (entity_id, key, datatype, int_value, version)
                select entity_id, 'n', 'int', $value, currval('clustoversioning_version_seq') from entities where name = 'x';";
        syswrite $in, "begin; insert into clustoversioning (timestamp, \"user\", description) values (localtimestamp, 'python', 'n');
            $change do 'begin perform pg_sleep(random() * 0.02); end'; " . ($mean ? 'commit;' : 'rollback;') . "\n\\qecho done\n";
        if ((<$out> // '') eq "done\n") {
            $done += $known->note($rename ? 'y' : 'x', $n) if $mean;
            sleep rand 0.02;
            next;
        }
        close $in, waitpid $pid, 0;
        undef $pid;
        sleep 0.1;
    }
    close $in;
    return $done;
}

# What a response says of the things in it: name => number.
sub numbers_in {
    my ($json) = @_;
    return $json =~ m{^/basicserver/y-(\d+)$} ? (y => $1) : () if !ref $json;
    return map { numbers_in($_) } @$json if ref $json eq 'ARRAY';
    return (($json->{name} => (map { $_->{value} } grep { $_->{key} eq 'n' } @{ $json->{attrs} })[0] // 0), numbers_in($json->{contents}));
}

# Until the end: [responses compared, responses other than 200, what was old: [slot, number, words]].
sub read_all {
    my ($c, $end) = @_;
    my ($done, $other, @stale) = (0, 0);
    while (time < $end) {
        my %least = $known->least;
        my $what  = $OBJECTS[ rand @OBJECTS ];
        my ($path, $read, @option) = @{ (
            [ "/attribute/$what/n", sub { ($what => $_[0][0]{value} // 0) } ],
            [ "/by-name/$what", \&numbers_in ],
            [ '/by-name/r', sub { numbers_in($_[0]{contents}) } ],
            [ '/from-pools?pool=q', \&numbers_in, headers => { 'Clusto-Mode' => 'expanded' } ],
            [ '/preferences/box', sub { (box => $_[0]{n}) }, @ann ],
            [ '/preferences/box/n', sub { (box => $_[0]) }, @ann ],
        )[ rand 6 ] };
        my $answer = $c->get($path, @option);
        if ($answer->{status} != 200) {
            $other++;
            sleep 0.02;    # as clients do that are told to try again; a 503 is quick
            next;
        }
        my %got = $read->($answer->{json});
        push @stale, [ '', '', "$path: nothing to compare" ] if !%got;
        for (grep { exists $least{$_} } keys %got) {
            push @stale, [ $_, $got{$_}, "$path: $_ was $least{$_}, $got{$_} was read" ] if $got{$_} < $least{$_} || $got{$_} > $NEVER;
        }
        $done++;
    }
    return [ $done, $other, @stale ];
}

# Until the end: how often there was trouble. The next comes when both servers respond again, however long
# their workers take to start: on a slow machine they would hardly ever respond otherwise.
sub make_trouble {
    my ($end) = @_;
    my $times = 0;
    for (; time < $end; sleep 0.05 + rand 0.3) {
        $trouble[ rand @trouble ]->($servers[ rand 2 ]);
        $times++;
        poll(10, sub { !grep { $_->client->get('/by-name/r')->{status} != 200 } @fronts });
    }
    return $times;
}

sub served {
    my $sum = 0;
    for (@fronts) { $sum += $1 if $_->client->get('/__metrics__')->{body} =~ /^muster_cache_served_total (\d+)$/m }
    return $sum;
}

for my $peace (1, 0) {
    $known->clear;
    { open my $out, '>', $late or die $!; }
    psql("delete from entity_attrs where key = 'n'; update entities set name = 'y-0' where name like 'y-%'");
    $client->post('/preferences/box', @ann, json => { n => 0 });
    my $served = served();
    my @counts = parallel($WRITERS + $READERS + !$peace, sub {
        my ($me) = @_;
        srand $SEED + $me;
        my $c   = $fronts[ $me % 2 ]->client;
        my $end = time + $SECONDS / 2;
        return [ write_objects($c, $end, @OBJECTS[ 2 * $me .. 2 * $me + 1 ]) ] if $me < 3;
        return [ write_objects($c, $end, $OBJECTS[6]) ] if $me == 3;
        return [ write_box($c, $end) ] if $me == 4;
        return [ write_past($end) ] if $me == 5;
        return read_all($c, $end) if $me < $WRITERS + $READERS;
        return [ make_trouble($end) ];
    }, timeout => $SECONDS + 60);
    my @died = grep { ref eq 'HASH' } @counts;
    is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
    my @writes = map { ref eq 'ARRAY' ? $_->[0] : 0 } @counts[ 0 .. $WRITERS - 1 ];
    my @reads  = grep { ref eq 'ARRAY' } @counts[ $WRITERS .. $WRITERS + $READERS - 1 ];
    my ($done, $other) = (0, 0);
    $done += $_->[0], $other += $_->[1] for @reads;
    my $times = $peace ? 0 : $counts[-1][0];
    $served = served() - $served;
    diag "writes @writes; reads compared $done, answered otherwise $other, out of the cache $served, trouble $times times";
    my %late  = do { open my $in, '<', $late or die $!; map { chomp; $_ => 1 } <$in> };
    my @old   = map { @$_[ 2 .. $#$_ ] } @reads;
    my @stale = map { $_->[2] } grep { $peace || !$late{"$_->[0] $_->[1]"} } @old;    # in peace no worker is killed
    diag sprintf '%d writes had no answer; %d reads showed one that took effect late', scalar keys %late, @old - @stale;
    is_deeply([ @stale[ 0 .. ($#stale < 9 ? $#stale : 9) ] ], [], $peace ? 'not one stale answer' : 'nor when there is trouble');
    # Else all this would say nothing.
    cmp_ok($done, '>', 300 / (15 / $SECONDS), 'many were compared');
    cmp_ok($served, '>', $done / 20, 'many of them came out of the cache');
    cmp_ok($_, '>', 5, 'each writer was acknowledged something') for @writes;
    cmp_ok($times, '>', $SECONDS / 5, 'there was trouble again and again') if !$peace;
    cmp_ok($other, '<=', $peace ? 0 : $done / 2, 'and few were no answers');
}
is(scalar(grep { / 500 / } map { split /\n/, $_->log } @servers), 0, 'no request ended with 500');

$_->stop for @fronts, @servers;
done_testing;
