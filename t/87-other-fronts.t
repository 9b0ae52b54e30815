#!/usr/bin/perl
# 87-other-fronts.t: the samples for Apache httpd and HAProxy: paths, bodies, tokens, who is asking, faults.
use v5.24;
use warnings;
use Muster::Data;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run which);
use Muster::Server;
use Test::More;

my %program  = (apache => 'apache2', haproxy => 'haproxy');
my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres, conf => { token_key => 'k' x 64 });
Muster::Data::load_example($postgres);
my $made = $server->run_program([ qw(token add --owner robot --scope read --scope write) ]);
my ($token) = $made->{out} =~ /^(mst_\S+)/m;
ok(defined $token, 'a token') or diag $made->{err};

# What a path, a query and a body may hold gets through as it is.
sub passes_on {
    my ($client) = @_;
    is($client->get('/__version__')->{status}, 200, 'a first request');
    is_deeply($client->get('/from-pools?pool=multipool&pool=singlepool')->{json}, ['/basicserver/testserver1'], 'a query');
    for my $name ('a/b', 'a b', 'a%b', '~x~', "\x{e9}\x{1f600}", 'a;b=c', 'a?b#c', 'a//b') {
        my $path = Muster::Client::uri_encode($name);
        my $shown = $path;
        is($client->post('/entity/pool', form => { name => $name })->{status}, 201, "$shown: made");
        is($client->get("/by-name/$path")->{json}{name}, $name, '  and found');
        is($client->delete("/entity/pool/$path")->{status}, 204, '  and deleted');
    }
    is($client->request(GET => '/by-names', form => { name => [ map { "testserver$_" } 1 .. 2 ] })->{status}, 200, 'a form in the body of a GET');
    is($client->post('/attribute/testserver2', json => [ { key => 'long', value => 'x' x 300_000 } ])->{status}, 201, 'a long JSON body');
    is(length($client->get('/attribute/testserver2/long')->{json}[0]{value}), 300_000, 'and a long response');
    is($client->delete('/attribute/testserver2/long')->{status}, 200, 'which is deleted');
    my $options = $client->options('/entity/pool/x');
    is($options->{status}, 204, 'OPTIONS');
    like($options->{headers}{allow} // '', qr/\bDELETE\b/, 'with our Allow');
    is($client->head('/by-name/testserver1')->{status}, 200, 'HEAD');
    like($client->get('/nowhere')->{headers}{'content-type'}, qr{^application/json}, 'in JSON');
    is($client->post('/preferences/a', headers => { 'X-User-Id' => 'u' })->{status}, 204, 'a POST without a body');
    my $etag = $client->get('/preferences/a', headers => { 'X-User-Id' => 'u' })->{headers}{etag};
    is($client->put('/preferences/a', json => { a => 1 }, headers => { 'X-User-Id' => 'u', 'If-Match' => $etag })->{status}, 204, 'If-Match');
    is($client->patch('/preferences/a', body => '{"b":2}', type => 'application/merge-patch+json', headers => { 'X-User-Id' => 'u' })->{status}, 204, 'PATCH');
    is($postgres->psql(q(select count(*) from clustoversioning where "user" is not null and description ~ '^(POST|PUT|DELETE) ')), 0, 'nobody is named in the history');
    return;
}

sub takes_tokens {
    my ($client) = @_;
    my %as = (headers => { Authorization => "Bearer $token", 'Clusto-Description' => 'by token' });
    is($client->put('/attribute/testserver1/by', form => { value => 'robot' }, %as)->{status}, 200, 'a token is taken');
    is($postgres->psql(q(select distinct "user" from clustoversioning where description = 'by token')), 'robot', 'its owner is who writes');
    is($client->get('/by-name/testserver1', headers => { Authorization => 'Bearer mst_0123456789abcdef_' . 'x' x 43 })->{status}, 401, 'another one is refused');
    return;
}

# Whoever sends the header must not become somebody, however it is spelt.
sub takes_off_names {
    my ($client) = @_;
    for my $name ('X-User-Id', 'x-user-id', 'X_User_Id', 'X-User_Id') {
        is($client->get('/preferences/', headers => { $name => 'alice' })->{status}, 401, "$name is taken off");
    }
    is($client->get('/preferences/', headers => { $_ => 'alice' })->{status}, 401, "$_ names nobody") for 'REMOTE_USER', 'Remote-User';
    return;
}

sub asks_for_passwords {
    my ($kind) = @_;
    my $front = Muster::Front->new(server => $server, kind => $kind, identity => 'basic');
    is($front->client->get('/__version__')->{status}, 401, 'a password is needed');
    is($front->client(user => 'alice', password => 'wrong')->get('/__version__')->{status}, 401, 'the right one');
    my $alice = $front->client(user => 'alice', password => 'secret');
    is($alice->put('/attribute/testserver1/by', form => { value => 'alice' }, headers => { 'Clusto-Description' => 'by password' })->{status}, 200, 'then it is fine');
    is($postgres->psql(q(select distinct "user" from clustoversioning where description = 'by password')), 'alice', 'and the history names her');
    $front->stop;
    return;
}

sub survives {
    my ($client) = @_;
    $server->stop;
    is($client->get('/by-name/testserver1')->{status}, 503, 'without muster: 503');
    $server->start;
    ok(poll(30, sub { $client->get('/by-name/testserver1')->{status} == 200 }), 'and again as soon as it is back');
    return;
}

# The tag of a compressed response is another one, and is taken back.
sub compresses {
    my ($client, $kind) = @_;
    my %user = ('X-User-Id' => "gzip-$kind");
    is($client->put('/preferences/a', json => { map { ("key$_" => 'value') } 1 .. 500 }, headers => \%user)->{status}, 201, "$kind: a large document");
    my $plain = $client->get('/preferences/a', headers => \%user);
    my $small = $client->get('/preferences/a', headers => { %user, 'Accept-Encoding' => 'gzip' });
    is($small->{headers}{'content-encoding'}, 'gzip', '  is compressed');
    like($small->{headers}{vary}, qr/Accept-Encoding/i, '  which caches are told');
    cmp_ok(length $small->{body}, '<', length($plain->{body}) / 4, '  to less than a quarter');
    isnt($small->{headers}{etag}, $plain->{headers}{etag}, '  with a tag of its own');
    is($client->get('/preferences/a', headers => { %user, 'Accept-Encoding' => 'gzip', 'If-None-Match' => $small->{headers}{etag} })->{status}, 304, '  that is good for If-None-Match');
    is($client->post('/preferences/a/key1', body => '1', headers => { %user, 'If-Match' => $small->{headers}{etag} })->{status}, 204, '  and for If-Match');
    is($client->post('/preferences/a/key1', body => '2', headers => { %user, 'If-Match' => $small->{headers}{etag} })->{status}, 412, '  once');
    is($client->get('/__version__', headers => { 'Accept-Encoding' => 'gzip' })->{status}, 200, '  and a short response is one, too');
    return;
}

subtest 'nginx compresses' => sub {
    my $front = Muster::Front->new(server => $server);
    compresses($front->client, 'nginx');
    $front->stop;
};

for my $kind (sort keys %program) {
    SKIP: {
        skip "$program{$kind} is not installed (Debian: $program{$kind})", 1 unless which($program{$kind});
        subtest $kind => sub {
            my $front = Muster::Front->new(server => $server, kind => $kind);
            passes_on($front->client);
            my @many = parallel(8, sub { [ grep { $front->client->get('/by-name/testserver1')->{status} == 200 } 1 .. 25 ] });
            is(scalar(map { @$_ } @many), 200, 'eight clients at once');
            takes_tokens($front->client);
            compresses($front->client, $kind);
            survives($front->client);
            $front->stop;
            $front = Muster::Front->new(server => $server, kind => $kind, identity => 'sample');
            takes_off_names($front->client);
            $front->stop;
            asks_for_passwords($kind) if $kind eq 'apache';
        };
    }
}

$server->stop;
done_testing;
