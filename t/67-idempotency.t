#!/usr/bin/perl
# 67-idempotency.t: a write with an Idempotency-Key is done once, however often it is sent, by however many at once,
# whatever ends meanwhile; and all who get a response get the same one.
# MUSTER_IDEMPOTENCY_ROUNDS (6).
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Time::HiRes qw(sleep time);

my $ROUNDS = $ENV{MUSTER_IDEMPOTENCY_ROUNDS} // 6;
my $SLOW   = $ENV{MUSTER_SLOW} // 1;
my $pg     = Muster::Postgres->new(settings => { synchronous_commit => 'on', fsync => 'off' });
my $server = Muster::Server->new(postgres => $pg, conf => { workers => 6, restart_limit => 1000, identity_param => 'HTTP_X_WHO' });
my $front  = Muster::Front->new(server => $server, cors => 0);
my $client = $front->client;

sub sql { return scalar $pg->psql($_[0]) }

sub done {
    my ($what, $status, $method, $path, $key, %option) = @_;
    my %headers = (%{ delete $option{headers} // {} }, defined $key ? ('Idempotency-Key' => $key) : ());
    return $client->expect($what, $status, $method, $path, %option, headers => \%headers);
}

sub same { my ($answer) = @_; return join ' | ', $answer->{status}, map({ $answer->{headers}{$_} // '-' } qw(content-type clusto-version warnings clusto-minify)), $answer->{body} }

done('servers', 201, POST => '/entity/basicserver', undef, form => [ map { (name => "web$_") } 1 .. 16 ]);
done('a pool', 201, POST => '/entity/pool', undef, form => { name => 'p' });
done('a manager', 201, POST => '/resourcemanager/ipmanager', undef, form => [ name => 'lan', baseip => '10.0.0.0', netmask => '16' ]);

subtest 'every kind of write' => sub {
    my $n = 0;
    for my $write (
        [ POST   => '/entity/basicserver', { name => 'once' } ],
        [ POST   => '/attribute/web1', { key => 'note', value => 'x' } ],
        [ PUT    => '/attribute/web1/colour', { value => 'red' } ],
        [ POST   => '/entity/pool/p', { action => 'insert', device => 'web1' } ],
        [ POST   => '/resourcemanager/ipmanager/lan', { object => 'web1' } ],
        [ DELETE => '/resourcemanager/ipmanager/lan', { object => 'web1' } ],
        [ POST   => '/entity/basicserver/once', { action => 'rename', to => 'twice' } ],
        [ DELETE => '/attribute/web1/colour', undef ],
        [ DELETE => '/entity/basicserver/twice', undef ],
        [ POST   => '/transaction', [ { method => 'POST', path => '/attribute/web2', body => { key => 'note', value => 'x' } } ] ],
    ) {
        my ($method, $path, $form) = @$write;
        my @form   = $form ? (ref $form eq 'ARRAY' ? 'json' : 'form', $form) : ();
        my $key    = 'key ' . ++$n;
        my $first  = $client->request($method, $path, @form, headers => { 'Idempotency-Key' => $key });
        like($first->{status}, qr/^20/, "$method $path");
        is($first->{headers}{'idempotency-replayed'}, undef, 'the first time it is done');
        my $rows   = sql('select count(*), max(attr_id) from entity_attrs') . sql('select max(version) from clustoversioning');
        my $second = $client->request($method, $path, @form, headers => { 'Idempotency-Key' => $key });
        is(same($second), same($first), 'the second time it has the same response');
        is($second->{headers}{'idempotency-replayed'}, 'true', 'which says so');
        is(sql('select count(*), max(attr_id) from entity_attrs') . sql('select max(version) from clustoversioning'), $rows, 'and nothing is done');
    }
};

subtest 'what is and what is not the same' => sub {
    my @request = (PUT => '/attribute/web2/colour', 'mine', form => { value => 'red' });
    done('one request', 200, @request);
    done('another value', 422, PUT => '/attribute/web2/colour', 'mine', form => { value => 'blue' });
    done('another path', 422, PUT => '/attribute/web3/colour', 'mine', form => { value => 'red' });
    done('another method', 422, POST => '/attribute/web2/colour', 'mine', form => { value => 'red' });
    done('by way of the query', 422, PUT => '/attribute/web2/colour?value=red', 'mine');
    my $other = done("another user's", 200, PUT => '/attribute/web2/colour', 'mine', form => { value => 'blue' }, headers => { 'X-Who' => 'ann' });
    is($other->{headers}{'idempotency-replayed'}, undef, 'is another key');
    done('an error', 404, PUT => '/attribute/nobody/colour', 'later', form => { value => 'red' });
    done('is not kept', 201, POST => '/entity/basicserver', 'later', form => { name => 'nobody' });
    done('a dry run', 200, PUT => '/attribute/web3/colour', 'dry', form => { value => 'red' }, headers => { 'Clusto-Dry-Run' => 'true' });
    is(done('is not kept', 200, PUT => '/attribute/web3/colour', 'dry', form => { value => 'red' })->{headers}{'idempotency-replayed'}, undef, 'it is done');
    done('a condition', 412, PUT => '/attribute/web3/colour', 'cond', form => { value => 'x' }, headers => { 'If-Match' => '"x"' });
    my $etag = $client->get('/by-name/web3')->{headers}{etag};
    my @only = (PUT => '/attribute/web3/colour', 'cond', form => { value => 'x' }, headers => { 'If-Match' => $etag });
    done('that is met', 200, @only);
    is(done('counts once', 200, @only)->{headers}{'idempotency-replayed'}, 'true', 'replayed though the state is another one now');
    done('no key', 400, PUT => '/attribute/web3/colour', $_, form => { value => 'x' }) for '', 'x' x 256, "caf\xc3\xa9";
    done('preferences', 400, POST => '/preferences/box', 'k', headers => { 'X-User-Id' => 'u' });
    done('a read', 200, GET => '/by-name/web3', 'k');
    done('a question that is sent by POST', 200, POST => '/query', 'k', form => { q => 'name = web3' });
};

# Each asks until it has a response; nobody knows who was first.
sub until_answered {
    my ($c, $key, $end, @request) = @_;
    my ($method, $path, @form) = @request;
    while (time < $end) {
        my $answer = eval { $c->request($method, $path, @form, headers => { 'Idempotency-Key' => $key }) } // next;
        return same($answer) if $answer->{status} && $answer->{status} < 500 && $answer->{complete};
        sleep 0.05;
    }
    return 'no response';
}

for my $trouble ('in peace', 'while workers are killed', 'while PostgreSQL crashes') {
    subtest "16 clients at once, $trouble" => sub {
        my @wrong;
        for my $round (1 .. $ROUNDS) {
            my $name = join '-', $trouble =~ /(\w+)$/, $round;
            my @requests = (
                [ POST => '/entity/basicserver', form => { name => $name } ],
                [ POST => '/resourcemanager/ipmanager/lan', form => { object => "web$round" } ],
                [
                    POST => '/transaction',
                    json => [
                        { method => 'POST', path => '/entity/basicserver', params => { name => "$name-whole" } },
                        { method => 'POST', path => '/resourcemanager/ipmanager/lan', params => { object => '${0}' } },
                    ],
                ],
            );
            for my $request (@requests) {
                my $key   = "$name $request->[1]";
                my $given = sql("select count(*) from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null");
                my $made  = sql('select count(*) from entities');
                my @got   = parallel(17, sub {
                    my ($me) = @_;
                    my $end = time + 60 * $SLOW;
                    return until_answered($front->client, $key, $end, @$request) if $me < 16;
                    sleep 0.002 * $round;
                    kill 'KILL', @{ [ $server->workers ] }[ 0 .. 2 ] if $trouble =~ /workers/;
                    if ($trouble =~ /PostgreSQL/) {
                        $pg->stop('immediate');
                        $pg->start;
                    }
                    return;
                }, timeout => 120);
                my %different = map { ($_ // 'nothing') => 1 } @got[ 0 .. 15 ];
                poll(30, sub { $client->get('/by-name/web1')->{status} == 200 });
                my $now = $request->[1] eq '/entity/basicserver'
                    ? sql("select count(*) from entities where name = '$name'") . (sql('select count(*) from entities') - $made)
                    : '1' . (sql("select count(*) from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null") - $given);
                push @wrong, "$key: $now, " . join ' AND ', sort keys %different if keys %different != 1 || $now ne '11' || !grep { /^20[01]/ } keys %different;
            }
        }
        is(join("\n", @wrong), '', 'done once, and all have the same response');
    };
}

subtest 'pruning' => sub {
    sql("update muster_idempotency set at = now() - interval '2 days' where key = 'later'");
    my $before = sql("select count(*) from muster_idempotency where at < now() - interval '1 day'");
    cmp_ok($before, '>', 0, 'there is an old one');
    $server->restart;
    my $n = 0;
    ok(poll(30, sub { $client->put('/attribute/web4/n', form => { value => ++$n }, headers => { 'Idempotency-Key' => "prune $n" }); !sql("select count(*) from muster_idempotency where at < now() - interval '1 day'") }), 'it is forgotten');
    cmp_ok(sql('select count(*) from muster_idempotency'), '>', 5, 'the others are not');
};

$front->stop;
$server->stop;
$pg->stop;
done_testing;
