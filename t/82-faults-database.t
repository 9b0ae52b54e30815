# 82-faults-database.t: PostgreSQL is not there, is stopped in every way, is killed, while many write and read:
# 503, nothing acknowledged is lost, nothing done twice, and everything goes on by itself.
use v5.24;
use warnings;
use Muster::Census qw(census same_census);
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally);
use Muster::Postgres;
use Muster::Process qw(poll slurp);
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW    = $ENV{MUSTER_SLOW} // 1;
my $WORKERS = 3;

# What was acknowledged is on the disk: nothing is lost in a crash.
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => $WORKERS, connect_timeout => 2000, cache_size => 4 });
my $front    = Muster::Front->new(server => $server, workers => 2);
my $client   = $front->client;
my @entries;
prepare_ledger($client);

# Seconds from when the database answers others until it answers through us. What else runs on the machine is no
# excuse: no request is to wait longer, so MUSTER_SLOW stretches this only where sanitizers make everything slow.
my $SOON = $ENV{MUSTER_SANITIZED} ? 2 * $SLOW : 2;

sub until_answered {
    poll(60, sub { $postgres->psql('select 1', fails => 1)->{out} eq "1\n" }) or die 'the database does not come back';
    my $begin = time;
    poll(30, sub { $client->get('/by-name/clustometa')->{status} == 200 });
    my $seconds = time - $begin;
    note sprintf 'answered after %.3f s', $seconds;
    return $seconds;
}

# How long it takes until none is refused any more, whichever worker is asked. Seconds.
sub recovery {
    my $begin = time;
    my ($row, $last) = (0, $begin);
    poll(30, sub {
        $row = $client->get('/by-name/clustometa')->{status} == 200 ? $row + 1 : 0;
        $last = time unless $row;
        return $row >= 5 * $WORKERS;
    });
    return $last - $begin;
}

subtest 'down at the start' => sub {
    my $other = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
    my $late  = Muster::Server->new(postgres => $other, conf => { workers => 2 });
    $late->stop;
    $other->stop('fast');
    $late->start;
    my $door = Muster::Front->new(server => $late);
    for my $ask ([ get => '/by-name/clustometa' ], [ post => '/entity/pool', form => { name => 'early' } ], [ get => '/entity/' ], [ post => '/preferences/a', headers => { 'X-User-Id' => 'u' }, json => {} ]) {
        my ($method, @rest) = @$ask;
        my $answer = $door->client->$method(@rest);
        is($answer->{status}, 503, "$method $rest[0]: 503");
        is($answer->{headers}{'retry-after'}, 1, 'with Retry-After');
        is($answer->{headers}{'clusto-outcome'}, undef, 'and nothing unknown about it');
        unlike($answer->{body}, qr{/tmp|socket|connect}, 'nor a word about the inside');
    }
    $other->start;
    my $begin = time;
    ok(poll(10, sub { $door->client->get('/by-name/clustometa')->{status} == 200 }), 'it comes, and is used');
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'soon');
    is($door->client->post('/entity/pool', form => { name => 'early' })->{status}, 201, 'the refused write was not done');
    $_->stop for $door, $late, $other;
};

my $before = do { recovery(); census(server => $server, postgres => $postgres, front => $front, workers => $WORKERS) };

for my $how (qw(fast immediate kill)) {
    subtest "stopped under load: $how" => sub {
        my $load = Muster::Ledger->begin(6, sub { $front->client }, name => $how);
        $load->more(acknowledged => 100);
        $postgres->stop($how);
        $load->more(refused => 10);
        my $answer = $client->get('/by-name/ledger1');
        is($answer->{status}, 503, 'while it is unreachable: 503');
        ok(defined $answer->{headers}{'retry-after'}, 'with Retry-After');
        $postgres->start;
        cmp_ok(until_answered(), '<', $SOON, 'when it is back, so are we');
        cmp_ok(recovery(), '<', 2 * $SLOW, 'every worker, soon');
        $load->more(acknowledged => 100);
        my @more = $load->end;
        diag "$how: ", join ', ', tally(@more);
        cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @more), '>', 20, 'there was a load');
        cmp_ok(scalar(grep { $_->[0] eq 'refused' } @more), '>', 5, 'some were refused');
        is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
        push @entries, @more;
        is_deeply([ check_ledger($postgres, @more) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
        same_census($before);
    };
}

subtest 'a process of the database is killed in mid-statement, again and again' => sub {
    my $load = Muster::Ledger->begin(6, sub { $front->client }, name => 'crash');
    my $kills = 0;
    for (1 .. 3) {
        $load->more(acknowledged => 50);
        my $pid;
        poll(10, sub {
            my $got = $postgres->psql("select pid from pg_stat_activity where application_name like 'muster%' and state <> 'idle' order by random() limit 1", fails => 1);
            ($pid) = $got->{out} =~ /^(\d+)$/m;
        });
        my $recovered = sub { return scalar(() = $postgres->log =~ /ready to accept connections/g) };
        my $so_far    = $recovered->();
        # All sessions are thrown out and the database recovers.
        $kills += poll(30, sub { $recovered->() > $so_far }) if $pid && kill 'KILL', $pid;
        cmp_ok(until_answered(), '<', $SOON, 'when it is back, so are we');
    }
    is($kills, 3, 'three were killed');
    cmp_ok(recovery(), '<', 2 * $SLOW, 'every worker is back soon');
    $load->more(acknowledged => 50);
    my @more = $load->end;
    diag 'crash: ', join ', ', tally(@more);
    cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @more), '>', 20, 'there was a load');
    is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
    push @entries, @more;
    is_deeply([ check_ledger($postgres, @more) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
    same_census($before);
};

subtest 'sessions are terminated under load' => sub {
    my $load = Muster::Ledger->begin(6, sub { $front->client }, name => 'terminate');
    for (1 .. 12) {
        $load->more(acknowledged => 10);
        $postgres->psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%' and random() < 0.7");
    }
    my @more = $load->end;
    diag 'terminate: ', join ', ', tally(@more);
    cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @more), '>', 20, 'there was a load');
    is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
    push @entries, @more;
    is_deeply([ check_ledger($postgres, @more) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
    recovery();
    same_census($before);
};

is_deeply([ check_ledger($postgres, @entries) ], [], 'and nothing of all that is lost, or there twice, at the end');
is($server->run_program(['--check-db'])->{status}, 0, 'the database check finds nothing');
is($postgres->psql('select count(*) from muster_ip where uses <> 1'), 0, 'addresses are counted right');

$_->stop for $front, $server;
done_testing;
