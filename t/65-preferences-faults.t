#!/usr/bin/perl
# 65-preferences-faults.t: the database is lost or makes a write wait: the right status, nothing twice,
# nothing lost.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes ();
use Muster::Client qw(parallel);
use Muster::Process qw(poll);
use Muster::World;

# What was answered must be there after a crash.
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
my $world    = Muster::World->new(data => 0, postgres => $postgres, conf => { workers => 2, lock_timeout => 1500, statement_timeout => 20000 });
my $client   = $world->front->client(headers => { 'X-User-Id' => 'u' });

# Somebody else holds the row until told to let go.
sub hold {
    my $holder = Muster::Process->start([
        "$postgres->{bin}/psql", '-XqAt', '-h', $postgres->socket_dir, '-U', 'postgres', '-d', 'muster', '-c',
        "begin; select 1 from muster_preferences where user_id = 'u' for update; select pg_sleep(60) /* holder */; rollback",
    ]);
    poll(20, sub { $postgres->psql("select count(*) from pg_stat_activity where state = 'active' and query like '%holder%' and query not like '%pg_stat%' and wait_event = 'PgSleep'") })
        or die 'no session holds the row';
    return $holder;
}

# Child processes call this too, and can't wait for a process that is not theirs. Where the database has just
# crashed the holder goes by itself.
sub let_go {
    $postgres->psql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%holder%' and pid <> pg_backend_pid()", fails => 1);
    return;
}

# The backend of ours that waits for it.
sub waiting {
    my $pid;
    poll(10, sub { $pid = $postgres->psql("select pid from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'muster%' limit 1") });
    return $pid;
}

# Sends a write while the row is held; $code->($pid) happens when it waits.
sub while_held {
    my ($request, $code) = @_;
    my $holder = hold();
    my $answer;
    my ($from_child) = parallel(2, sub {
        my ($i) = @_;
        if ($i == 0) {
            my $a = $world->front->client(headers => { 'X-User-Id' => 'u' })->request(@$request);
            return { status => $a->{status}, body => $a->{body}, headers => $a->{headers} };
        }
        my $pid = waiting();
        $code->($pid);
        return { pid => $pid };
    });
    let_go();
    $holder->wait(10) // die 'the holder stays';
    return $from_child;
}

my %writes = (
    'one statement'  => [ POST  => '/preferences/c/n', body => '2' ],
    'a transaction'  => [ PATCH => '/preferences/c', type => 'application/json-patch+json', body => '[{"op": "test", "path": "/n", "value": 1}, {"op": "replace", "path": "/n", "value": 2}]' ],
    'a whole'        => [ PUT => '/preferences/c', body => '{"n": 2}' ],
);

for my $name (sort keys %writes) {
    my $write = $writes{$name};
    my $reset = sub {
        my $answer;
        poll(20, sub { $answer = $client->put('/preferences/c', body => '{"n": 1}'); $answer->{status} == 204 }) or die "no reset: $answer->{status} $answer->{body}";
    };
    my $n = sub { return $client->get('/preferences/c/n')->{body} };

    $reset->();
    my $answer = while_held($write, sub { });
    is($answer->{status}, 503, "$name: too long a wait");
    ok(defined $answer->{headers}{'retry-after'}, "$name: Retry-After");
    ok(!defined $answer->{headers}{'clusto-outcome'}, "$name: nothing unknown about it");
    is($n->(), 1, "$name: nothing happened");

    $reset->();
    $answer = while_held($write, sub { let_go() });
    is($answer->{status}, 204, "$name: waits its turn");
    is($n->(), 2, "$name: and is done");

    # Told by the server that it was ended, so nothing happened. The write may have been the cause: it
    # is not sent again.
    $reset->();
    $answer = while_held($write, sub { my ($pid) = @_; $postgres->psql("select pg_terminate_backend($pid)"); let_go() });
    is($answer->{status}, 503, "$name: a connection that the server ends");
    ok(!defined $answer->{headers}{'clusto-outcome'}, "$name: nothing unknown about it either");
    is($n->(), 1, "$name: nothing happened");
    is($client->request(@$write)->{status}, 204, "$name: the next request has a connection again");
    is($n->(), 2, "$name: and is done");

    # Lost without a word: the outcome is unknown, unless COMMIT was not sent.
    $reset->();
    $answer = while_held($write, sub { kill 'KILL', $_[0] });
    if ($name eq 'a transaction') {
        like($answer->{status}, qr/^(?:503|204)$/, "$name: gone without a word, before COMMIT");
        ok(!defined $answer->{headers}{'clusto-outcome'}, "$name: nothing unknown about it");
    }
    else {
        # PostgreSQL says a last word to all others, perhaps to this one too.
        is($answer->{status}, 503, "$name: gone without a word");
        is($answer->{headers}{'clusto-outcome'}, 'unknown', "$name: the outcome is unknown");
    }
    ok(poll(30, sub { $client->get('/preferences/c')->{status} == 200 }), "$name: works again when the database does");
    is($n->(), $answer->{status} == 204 ? 2 : 1, "$name: as the answer said");
}

subtest 'no database' => sub {
    my @all = (
        [ GET => '/preferences/' ], [ GET => '/preferences/c' ], [ POST => '/preferences/c', body => '{}' ], [ POST => '/preferences/c/a', body => '1' ], [ PUT => '/preferences/c', body => '{}' ],
        [ PATCH => '/preferences/c', type => 'application/merge-patch+json', body => '{}' ], [ DELETE => '/preferences/c/a' ], [ DELETE => '/preferences/c' ], [ DELETE => '/preferences/' ],
    );
    $postgres->stop;
    for my $request (@all) {
        my $answer = $client->request(@$request);
        is($answer->{status}, 503, "@$request[0, 1]");
        ok(defined $answer->{headers}{'retry-after'}, 'Retry-After');
    }
    is($world->front->client->get('/preferences/')->{status}, 401, 'what needs no database is told without');
    $postgres->start;
    ok(poll(10, sub { $client->get('/preferences/')->{status} == 200 }), 'after the pause between attempts there is a connection');
    for my $request (@all) {
        my $answer = $client->request(@$request);
        like($answer->{status}, qr/^20[04]$/, "@$request[0, 1] again") or diag($answer->{body});
    }
    $client->put('/preferences/c', body => '{"n": 1}');
    $postgres->restart('immediate');
    is($client->post('/preferences/c/n', body => '2')->{status}, 204, 'a connection that died meanwhile is not even noticed');
    is($client->get('/preferences/c/n')->{body}, '2', 'it was written');
};

# What fails between a statement and its commit is said at the pipeline's sync, where libpq has more to
# tell than elsewhere: what it tells must not be taken for the next statement's result.
subtest 'an error when it commits' => sub {
    $postgres->psql($_) for (
        'create table noted (what text)',
        q{create function note() returns trigger language plpgsql as $$ begin insert into noted values (new.document ->> 'n'); return null; end $$},
        'create trigger note after insert or update on muster_preferences for each row execute function note()',
        q{create function regret() returns trigger language plpgsql as $$ begin if new.container = 'regretted' then raise 'no'; end if; return null; end $$},
        'create constraint trigger regret after insert or update on muster_preferences deferrable initially deferred for each row execute function regret()',
    );
    my $n = 100;
    for my $bad ([ POST => 'regretted/n', '1' ], [ PUT => 'regretted', '{"n": 1}' ]) {
        my ($method, $path, $body) = @$bad;
        # By whichever worker; each of them goes on.
        for (1 .. 4) {
            is($client->request($method, "/preferences/$path", body => $body)->{status}, 500, "$method $path");
            is($client->post('/preferences/c/n', body => ++$n)->{status}, 204, 'the next one is done');
            is($client->get('/preferences/c/n')->{body}, $n, 'and read');
        }
    }
    is($postgres->psql(q{select count(*) from muster_preferences where container = 'regretted'}), 0, 'nothing of what failed');
    is($postgres->psql('select what from noted'), join("\n", 101 .. $n), 'all else once');
};

$world->server->stop;
done_testing();
