#!/usr/bin/perl
# 98-changes-subscriber.t: GET /changes on a subscriber of logical replication: refused where only the shared tables
# come, since what is applied fires no triggers; the same events as the publisher's where the points come as well.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp temp_dir);
use Muster::Server;
use Muster::Waiting qw(answer begin_at objects waiting_on);

my $SHARED = 'clustoversioning, counters, entities, entity_attrs';
my $pg     = Muster::Postgres->new(settings => { wal_level => 'logical' });
my $server = Muster::Server->new(postgres => $pg, conf => { workers => 4 });
my $front  = Muster::Front->new(server => $server);
my $client = $front->client;
my $dump   = temp_dir() . '/dump.sql';

$client->post('/entity/basicserver', form => [ map { (name => "s$_") } 0 .. 9 ]);
$pg->psql("create publication all_of_it for all tables; create publication shared for table $SHARED, muster_preferences");

# A copy in a cluster of its own, which gets what is written from now on; nobody writes meanwhile.
sub subscriber {
    my ($publication) = @_;
    my $copy = Muster::Postgres->new;
    $pg->psql("select pg_create_logical_replication_slot('$publication', 'pgoutput')");
    my $dumped = run([ "$pg->{bin}/pg_dump", '-h', $pg->socket_dir, '-U', 'postgres', '-f', $dump, '--no-publications', 'muster' ]);
    is($dumped->{status}, 0, "$publication: a copy") or diag $dumped->{err};
    $copy->psql(undef, file => $dump);
    # The clusters of a test are copies of one.
    $copy->psql('update muster_floor set cluster = 1');
    $copy->psql("create subscription $publication connection '" . $pg->conninfo . "' publication $publication
        with (create_slot = false, slot_name = '$publication', copy_data = false)");
    return $copy;
}

sub served_by {
    my ($postgres) = @_;
    return Muster::Front->new(server => Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 2, cache_size => 8 }));
}

sub get { my ($c, $query, %option) = @_; return $c->get("/changes?$query", %option) }
sub now { my ($c) = @_; return get($c, 'since=now')->{headers}{'clusto-next'} }
sub put { my ($object, $value) = @_; return $client->put("/attribute/$object/n", form => { value => $value })->{status} }

my $cursor = now($client);

subtest 'only the shared tables' => sub {
    my $copy  = subscriber('shared');
    my $below = served_by($copy);
    my $c     = $below->client;
    is(put('s0', 'sent'), 200, 'written by the publisher');
    ok(poll(60, sub { ($c->get('/attribute/s0/n')->{json}[0]{value} // '') eq 'sent' }), 'is there');
    my $answer = get($c, "since=$cursor");
    is($answer->{status}, 409, 'changes are refused');
    is($answer->{body} =~ s/\s+\z//r, '"Changes are not reported here: a subscription writes to the tables, which fires no triggers."', 'and why');
    is(get($c, 'since=now')->{status}, 409, 'there is no cursor either');
    is(get($c, "since=$cursor", headers => { 'Clusto-Wait' => 5 })->{status}, 409, 'nobody waits in vain');
    is(get($c, "since=$cursor", headers => { Accept => 'text/event-stream' })->{status}, 409, 'no stream');
    is($c->get('/preferences/?changes&since=now', headers => { 'X-User-Id' => 'alice' })->{status}, 409, 'nor preferences');
    $copy->psql('drop subscription shared');
    ok(poll(60, sub { get($c, 'since=now')->{status} == 200 }), 'when the subscription is gone, changes are reported again');
    $_->stop for $below, $below->{server}, $copy;
};

# Everything that was told since a cursor, as one text an event.
sub follow {
    my ($c, $from) = @_;
    my @seen;
    while (1) {
        my $answer = get($c, "since=$from&limit=7");
        die "$answer->{status} $answer->{body}" if $answer->{status} != 200;
        push @seen, map { join ' ', @$_{qw(seq change object)}, map { "$_->{key}=$_->{value}" } grep { $_->{added} } @{ $_->{attrs} } } @{ $answer->{json} };
        $from = $answer->{headers}{'clusto-next'};
        return ($from, @seen) if $answer->{headers}{'clusto-more'} eq 'false';
    }
}

subtest 'everything, by one subscription' => sub {
    my $copy  = subscriber('all_of_it');
    my $below = served_by($copy);
    my $c     = $below->client;
    is(get($c, 'since=now')->{status}, 200, 'changes are told');
    is($copy->psql('select cluster from muster_floor'), 1, 'it goes on with the points of the publisher');
    # Some of them meanwhile, by clients that write at once, and roll back.
    my @asked = parallel(4, sub {
        my ($me) = @_;
        my ($reader, $from, @seen) = ($below->client, $cursor);
        for my $k (1 .. 30) {
            if ($me == 3) { ($from, my @more) = follow($reader, $from); push @seen, @more; next }
            $front->client->put("/attribute/s$me/n", form => { value => "$me-$k" });
            $pg->psql("begin; insert into clustoversioning (\"user\") values ('nobody'); update entity_attrs set string_value = 'lost' where key = 'n'; rollback") if $k % 10 == 0;
            $front->client->get('/changes?since=now') if $k % 3 == 0;
        }
        return { from => $from, seen => \@seen };
    });
    my $last = now($client);
    ok(poll(60, sub { now($c) eq $last }), 'it has the last point');
    my (undef, @right) = follow($client, $cursor);
    cmp_ok(scalar @right, '>=', 90, 'what the publisher tells: ' . @right);
    is_deeply([ (follow($c, $cursor))[ 1 .. @right ] ], \@right, 'the subscriber tells the same');
    my (undef, @rest) = follow($c, $asked[3]{from});
    # Events between two points come in the order of their numbers; one who follows has more points to stop at.
    my @sorted = map { [ sort { ($a =~ /^(\d+)/)[0] <=> ($b =~ /^(\d+)/)[0] } @$_ ] } [ @{ $asked[3]{seen} }, @rest ], \@right;
    is_deeply(@sorted, 'also to one who follows meanwhile');
    for my $object (map { "s$_" } 0 .. 2) {
        my @values = map { m{/$object n=\d-(\d+)} } @{ $asked[3]{seen} }, @rest;
        is("@values", "@{[ 1 .. 30 ]}", "the changes of $object in order");
    }

    my $waiting = begin_at($below->port, "/changes?since=$last");
    waiting_on($c, 1);
    is(put('s9', 'woken'), 200, 'one waits, the publisher writes');
    ok(now($client) ne $last, 'and makes a point');
    is(objects(answer($waiting)), 's9', 'one is woken');

    # A page of a user's own, and what the publisher changes about the history.
    my %alice = ('X-User-Id' => 'alice');
    $last = now($client);
    $client->put('/preferences/vim', headers => \%alice, json => { tabs => 4 });
    $pg->psql('update muster_floor set exact = exact + 1; update muster_floor set exact = exact - 1');
    my $next = now($client);
    ok(poll(60, sub { now($c) eq $next }), 'another point');
    my $mine = $c->get("/preferences/?changes&since=$last", headers => \%alice);
    is_deeply([ map { $_->{container} } @{ $mine->{json} } ], ['vim'], 'preferences are told');

    $below->{server}->restart;
    is(get($c, "since=$cursor")->{status}, 200, 'cursors outlive that the server is started again');
    is(put('s9', 'later'), 200, 'the publisher goes on');
    $next = now($client);
    ok(poll(60, sub { now($c) eq $next }), 'so does the subscriber')
        or diag slurp($copy->{dir} . '/log') =~ s/.*(?=(?:.*\n){20}\z)//sr;
    $copy->psql('alter subscription all_of_it disable');
    $copy->psql('create subscription other connection \'' . $pg->conninfo . '\' publication shared with (connect = false)');
    $copy->psql("insert into pg_subscription_rel select s.oid, 'entities'::regclass, 'r', null from pg_subscription s where subname = 'other'");
    is(get($c, "since=$cursor")->{status}, 409, 'by two subscriptions there is no order: refused');
    $_->stop for $below, $below->{server}, $copy;
};

$_->stop for $front, $server, $pg;
done_testing;
