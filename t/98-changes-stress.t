#!/usr/bin/perl
# 98-changes-stress.t: GET /changes while 16 write in three ways, roll back, are killed, prepare
# transactions and leave some open, and while PostgreSQL crashes twice: followers that begin again at any
# cursor, in pages of any size, see each counter go 1, 2, 3 ..., each number once; so does one of a standby.
#
# MUSTER_FEED_SECONDS: how long they write, 6 unless it is set; MUSTER_FEED_CRASHES: how often PostgreSQL
# crashes, 2; MUSTER_FEED_SEED: of the random numbers.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll slurp spew temp_dir);
use Muster::Server;

my $SECONDS = $ENV{MUSTER_FEED_SECONDS} // 6;
my $SEED    = $ENV{MUSTER_FEED_SEED}    // int rand 1e6;
my ($HTTP, $PYTHON, $PSQL, $SHARED) = (6, 5, 5, 8);

diag "seed $SEED";
srand $SEED;
# What was acknowledged is there after a crash, and the standby finds what it missed.
my $pg = Muster::Postgres->new(
    settings => { synchronous_commit => 'on', max_prepared_transactions => 20, wal_keep_size => '1GB' });
my $server  = Muster::Server->new(postgres => $pg, conf => { workers => 6 });
my $front   = Muster::Front->new(server => $server);
my $client  = $front->client;
my $standby = Muster::Postgres->standby_of($pg);
my $copy    = Muster::Front->new(server => Muster::Server->new(postgres => $standby, schema => 0, conf => { workers => 2 }));
my $dir     = temp_dir();
my @shared  = map { "shared$_" } 1 .. $SHARED;
my @own     = map { "own$_" } 1 .. $HTTP;
$client->post('/entity/basicserver', form => [ map { (name => $_) } @shared, @own ]);
my $begin = $client->get('/changes?since=now')->{headers}{'clusto-next'};

# Each writer and follower is a process; what it says is in a file.
my %process;
sub background {
    my ($name, $code) = @_;
    my $seed = int rand 1e9;
    my $pid  = fork // die "fork: $!";
    if ($pid == 0) {
        srand $seed;
        my $ok = eval { spew("$dir/$name", $code->() // ''); 1 };
        spew("$dir/$name", "failed $@") if !$ok;
        POSIX::_exit(0);
    }
    $process{$name} = $pid;
    return;
}
sub result { my ($name) = @_; waitpid delete $process{$name}, 0; return slurp("$dir/$name") }

my $end = time + $SECONDS;

# The statements that count one up: the row of the object orders those that meet.
sub count_up {
    my ($name) = @_;
    return "select entity_id from entities where name = '$name' and deleted_at_version is null for no key update;
        with last as (update entity_attrs a set deleted_at_version = currval('clustoversioning_version_seq') from entities e
            where e.name = '$name' and a.entity_id = e.entity_id and a.key = 'n' and a.deleted_at_version is null returning a.int_value)
        insert into entity_attrs (entity_id, key, datatype, int_value, version)
        select entity_id, 'n', 'int', coalesce((select max(int_value) from last), 0) + 1, currval('clustoversioning_version_seq') from entities
         where name = '$name' and deleted_at_version is null;\n";
}

my $number = q(insert into clustoversioning ("timestamp", "user") values (now(), 'stress'););

# In one order, or two would wait for each other.
sub some_counters { my %some = map { $shared[ rand @shared ] => 1 } 0 .. rand 3; return map { count_up($_) } sort keys %some }

sub python {
    my $end_of = rand() < 0.2 ? 'rollback' : 'commit';
    return "begin; $number select pg_sleep(random() * 0.02); " . join('', some_counters()) . "$end_of;";
}

sub past_the_service {
    my ($n) = @_;
    my $kind = rand;
    my $text = "begin; $number " . join '', some_counters();
    return "$text select pg_sleep(0.5); commit;" if $kind < 0.03;
    return "$text select pg_terminate_backend(pg_backend_pid());" if $kind < 0.1;
    return "$text prepare transaction 'p$n'; select pg_sleep(random() * 0.2); commit prepared 'p$n';" if $kind < 0.2;
    return "$text prepare transaction 'p$n'; rollback prepared 'p$n';" if $kind < 0.25;
    return "begin; savepoint s; $number " . join('', some_counters()) . 'rollback to s; ' . substr($text, 6) . 'commit;' if $kind < 0.5;
    return $text . ($kind < 0.65 ? 'rollback;' : 'commit;');
}

for my $writer (1 .. $PYTHON + $PSQL) {
    background("writer$writer", sub {
        my $n = 0;
        while (time < $end) {
            $n++;
            $pg->psql($writer <= $PYTHON ? python() : past_the_service("${writer}_$n"), fails => 1, timeout => 60);
        }
        return $n;
    });
}
for my $name (@own) {
    background("http$name", sub {
        my ($c, $n) = ($front->client, 1);
        while (time < $end) {
            my $answer = $c->put("/attribute/$name/n", form => [ value => $n, datatype => 'int' ]);
            if ($answer->{status} == 200) { $n++ }
            elsif ($answer->{status} != 503) { die "$answer->{status} $answer->{body}" }
            else {
                # Whether it was written may be unknown.
                sleep 0.05;
                my $is = $c->get("/attribute/$name/n");
                redo if $is->{status} != 200 && time < $end + 60;
                $n = 1 + (@{ $is->{json} // [] } ? $is->{json}[0]{value} : 0);
            }
        }
        return $n - 1;
    });
}

# Follows until the file "last" names a cursor that was reached. Now and then what was read since a cursor
# is thrown away, and read again from there.
sub follow {
    my ($c) = @_;
    my (%at, %bad, @delays);
    my ($cursor, $pages, $events) = ($begin, 0, 0);
    my %saved = (cursor => $cursor, at => {});
    my $give_up = time + $SECONDS + 240;
    while (time < $give_up) {
        my $limit  = (1, 2, 10, 100, 1000)[ rand 5 ];
        my $answer = $c->get("/changes?since=$cursor&limit=$limit&key=n");
        if ($answer->{status} != 200) {
            $bad{"status $answer->{status}"}++ if $answer->{status} != 503 && $answer->{status} != 502;
            sleep 0.05;
            next;
        }
        $pages++;
        for my $event (@{ $answer->{json} }) {
            my ($value) = map { $_->{value} } grep { $_->{added} && $_->{key} eq 'n' } @{ $event->{attrs} };
            next if !defined $value;
            my $last = $at{ $event->{id} } // 0;
            $events++;
            $bad{ ($value <= $last ? 'twice or out of order' : 'missed') . " ($event->{id}: $last, $value)" }++ if $value != $last + 1;
            $at{ $event->{id} } = $value;
            push @delays, delay($event->{time}) if $pages > 5;
        }
        $cursor = $answer->{headers}{'clusto-next'};
        if (rand() < 0.1) { %saved = (cursor => $cursor, at => {%at}) }
        elsif (rand() < 0.1) { ($cursor, %at) = ($saved{cursor}, %{ $saved{at} }) }
        elsif ($answer->{headers}{'clusto-more'} eq 'false') {
            last if -e "$dir/last" && $cursor eq slurp("$dir/last");
            sleep 0.03;
        }
    }
    @delays = sort { $a <=> $b } @delays;
    return join ';', "$events events in $pages pages, half of them after " . int(1000 * ($delays[ @delays / 2 ] // 0)) . ' ms',
        join(',', map { "$_=$at{$_}" } sort keys %at), join(', ', map { "$_: $bad{$_}" } sort keys %bad);
}

sub delay {
    my ($h, $m, $s) = $_[0] =~ /T(\d+):(\d+):([\d.]+)Z/;
    my $now = time;
    my $then = int($now / 86400) * 86400 + $h * 3600 + $m * 60 + $s;
    return $now - $then;
}

my @followers = map { "follower$_" } 1 .. 3;
background($_, sub { return follow($front->client) }) for @followers;
background('standby', sub { return follow($copy->client) });

sub end_prepared {
    $pg->psql("rollback prepared '$_'", fails => 1) for $pg->psql('select gid from pg_prepared_xacts');
    return;
}

for my $crash (1 .. $ENV{MUSTER_FEED_CRASHES} // 2) {
    sleep $SECONDS / 3;
    $pg->stop('immediate');
    $pg->start;
    # Those whose client did not live to end them would hold their locks, and up the others, for good.
    end_prepared();
}
my @writers = grep { /^(?:writer|http)/ } keys %process;
my %wrote   = map { $_ => result($_) } @writers;
is(join(' ', grep { $wrote{$_} !~ /^\d+$/ } sort keys %wrote), '', 'all wrote until the end') or diag explain \%wrote;
end_prepared();
my $last;
ok(poll(60, sub { $last = $client->get('/changes?since=now'); $last->{status} == 200 }), 'the database is there again');
spew("$dir/last.new", $last->{headers}{'clusto-next'});
rename "$dir/last.new", "$dir/last";
my $right = join ',', sort $pg->psql("select entity_id || '=' || int_value from entity_attrs where key = 'n' and deleted_at_version is null");
cmp_ok($pg->psql("select sum(int_value) from entity_attrs where key = 'n' and deleted_at_version is null"), '>', 50, 'much was written');
for my $name (@followers, 'standby') {
    my ($what, $at, $bad) = split /;/, result($name), -1;
    diag "$name: $what";
    is($bad // $what, '', "$name: nothing is missed, nothing comes twice or too early");
    is(join(',', sort split /,/, $at // ''), $right, "$name: all counters are right")
        or diag map { "$_\n" } map { $_->psql('select max(point), pg_is_in_recovery(), case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end from muster_point') } $pg, $standby;
}
done_testing;
