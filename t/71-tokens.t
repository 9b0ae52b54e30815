# 71-tokens.t: bearer tokens through both front servers: made, used, narrowed, expired, revoked, and
# never told.
use v5.24;
use warnings;
use IPC::Open2 qw(open2);
use Test::More;
use Muster::Client;
use Muster::Data qw(load_example);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp);
use Muster::Server;

my $postgres = Muster::Postgres->new(settings => { log_statement => 'all' });
my $server   = Muster::Server->new(
    postgres => $postgres,
    start    => 0,
    conf     => {
        log_level => 'debug',
        token_key => 'k' x 20 . '0123456789abcdef',
        access    => [ { who => 'reader', roles => 'read' }, { who => '*', roles => 'read', mounts => 'attribute' } ],
    },
);
load_example($postgres);
my @secrets;

# A new token: itself, and its id.
sub add {
    my (@args) = @_;
    my $result = $server->run_program([ 'token', 'add', @args ]);
    is($result->{status}, 0, "token add @args") or diag $result->{err};
    chomp(my $token = $result->{out});
    my ($id, $secret) = $token =~ /\Amst_([0-9a-f]{16})_([0-9a-f]{64})\z/;
    ok(defined $secret, 'prints a token of 256 bits and nothing else');
    like($result->{err}, qr/$id/, 'and its id beside it');
    unlike($result->{err}, qr/$secret/, 'which is all that is there of it');
    push @secrets, $secret;
    return ($token, $id);
}

sub refused_args {
    my ($args, $why) = @_;
    my $result = $server->run_program([ 'token', @$args ]);
    is($result->{status}, 2, "refused: token @$args");
    like($result->{err}, $why, '  and says why');
    return;
}

subtest 'arguments' => sub {
    refused_args([], qr/usage/);
    refused_args(['grant'], qr/unknown command "grant"/);
    refused_args(['add'], qr/add needs --owner/);
    refused_args([ 'add', '--owner', '' ], qr/invalid owner name/);
    refused_args([ 'add', '--owner', '*' ], qr/invalid owner name/);
    refused_args([ 'add', '--owner', 'anonymous' ], qr/invalid owner name/);
    refused_args([ 'add', '--owner', "a\nb" ], qr/invalid owner name/);
    refused_args([ 'add', '--owner', 'x' x 256 ], qr/invalid owner name/);
    refused_args([ 'add', '--owner', 'a', '--scope', 'everything' ], qr/not a scope.*"everything"/);
    refused_args([ 'add', '--owner', 'a', '--scope', 'read:nowhere' ], qr/not a scope.*"read:nowhere"/);
    refused_args([ 'add', '--owner', 'a', '--expires', $_ ], qr/neither a time in the future/)
        for qw(0d 5 5y 2020-01-01 2030-13-01 tomorrow 99999999d -1d), '';
    refused_args([ 'add', '--owner', 'a', '--network', '10.0.0.1/8' ], qr/not a network/);
    refused_args([ 'add', '--owner', 'a', '--all' ], qr/does not go with this/);
    refused_args([ 'add', '--owner', 'a', 'b' ], qr/unexpected argument "b"/);
    refused_args([ 'list', '--scope', 'read' ], qr/does not go with this/);
    refused_args(['revoke'], qr/revoke needs/);
    refused_args([ 'revoke', 'x', '--owner', 'a' ], qr/revoke needs/);
    is($server->run_program([ 'token', '--help' ])->{status}, 0, '--help');
    like($server->run_program([ 'token', 'list', '--help' ])->{out}, qr/usage/, 'and after a word');
    my @keys = map { run([ $server->{program}, 'token', 'key' ])->{out} } 1, 2;
    like($keys[0], qr/\A[0-9a-f]{64}\n\z/, 'token key needs no configuration');
    isnt($keys[0], $keys[1], 'and is another each time');
};

subtest 'without a key' => sub {
    my $plain = Muster::Server->new(postgres => $postgres, schema => 0, start => 0);
    my $result = $plain->run_program([ 'token', 'add', '--owner', 'a' ]);
    is($result->{status}, 1, 'no token is made');
    like($result->{err}, qr/token_key/, 'and it says what is missing');
    my $answer = $plain->once(GET => '/__version__', env => { HTTP_AUTHORIZATION => 'Bearer whatever' });
    like($answer->{out}, qr/\AStatus: 200/, 'Authorization is not looked at');
};

$server->start;
my %front = map { $_ => Muster::Front->new(kind => $_, server => $server) } qw(nginx lighttpd);

# What a request with this token gets; the answer may not repeat it.
sub asked {
    my ($kind, $token, $method, $path, %option) = @_;
    my $headers = { %{ $option{headers} // {} }, defined $token ? (Authorization => "Bearer $token") : () };
    $option{body} //= '' if $method ne 'GET' && !$option{json};    # lighttpd wants a length
    my $answer = $front{$kind}->client->request($method, $path, %option, headers => $headers);
    if (defined $token && length $token > 20) {
        ok(index("$answer->{raw}$answer->{body}", $token) < 0, 'the answer does not tell the token');
    }
    return $answer;
}

my ($reader) = add('--owner', 'reader');
my ($scoped) = add('--owner', 'reader', '--scope', 'write:entity', '--scope', 'allocate:resourcemanager', '--expires', 'never');
my ($nobody) = add('--owner', 'nobody', '--expires', '2099-12-31T00:00:00');
my ($near)   = add('--owner', 'reader', '--network', '127.0.0.0/8', '--network', '::1');
my ($far)    = add('--owner', 'reader', '--network', '192.0.2.0/24', '--network', '2001:db8::/32');

for my $kind (qw(nginx lighttpd)) {
    subtest "through $kind" => sub {
        my $status = sub { return asked($kind, @_)->{status} };
        is($status->(undef, GET => '/by-name/testserver1'), 401, 'anonymous: 401');
        is($status->($reader, GET => '/by-name/testserver1'), 200, 'a token does what its owner may');
        is($status->($reader, PUT => '/attribute/testserver1/x?value=1'), 403, 'and no more: 403');
        is($status->($reader, GET => '/attribute/testserver1'), 200, '"*" is every owner');
        is($status->($nobody, GET => '/by-name/testserver1'), 403, 'an owner without rules');
        is($status->($nobody, GET => '/attribute/testserver1'), 200, 'has what every authenticated user has');

        is($status->($scoped, GET => '/by-name/testserver1'), 403, 'scopes: what is not among them is not allowed, whoever the owner is');
        is($status->($scoped, POST => "/entity/pool?name=pool-$kind"), 204, 'what is, is, whatever the owner may');
        is($status->($scoped, GET => "/entity/pool/pool-$kind"), 403, 'the role, not the mount alone');
        is($status->($scoped, POST => '/attribute/testserver1/a?value=1'), 403, 'the mount, not the role alone');
        is($status->($scoped, POST => '/resource/simpleentitynamemanager/testnames?driver=basicserver'), 201, 'both paths of the managers');
        is($status->($scoped, POST => "/resourcemanager/simplenamemanager?name=m-$kind"), 403, 'allocate is not write');

        is($status->($near, GET => '/by-name/testserver1'), 200, 'from a network that it is for');
        is($status->($far, GET => '/by-name/testserver1'), 401, 'from another one');

        (my $other = $reader) =~ s/(.)\z/$1 eq '0' ? '1' : '0'/e;
        my %bad = (
            'another secret'   => $other,
            'another id'       => $reader =~ s/_[0-9a-f]{16}_/_0123456789abcdef_/r,
            'no token of ours' => 'abcdef',
            'half of one'      => substr($reader, 0, 40),
            'one with a tail'  => "${reader}0",
            'a word after it' => "$reader x",
            'upper case'       => uc $reader,
            'nothing'          => '',
            'quotes'           => "' or '1'='1",
        );
        for my $name (sort keys %bad) {
            my $answer = asked($kind, $bad{$name}, GET => '/attribute/testserver1');
            is($answer->{status}, 401, "$name: 401");
            is($answer->{headers}{'www-authenticate'}, 'Bearer error="invalid_token"', 'and says so');
            is($answer->{json}, 'The token is not valid.', 'in JSON');
        }
        is($front{$kind}->client->get('/by-name/testserver1', headers => { Authorization => "bEARER   $reader" })->{status}, 200, 'the scheme is a word in any case');
        is($front{$kind}->client->get('/by-name/testserver1', headers => { Authorization => 'Basic eDp5' })->{status}, 401, 'another scheme is anonymous');
        my $twice = $front{$kind}->client->get('/by-name/testserver1', headers => [ Authorization => "Bearer $nobody", Authorization => "Bearer $reader" ]);
        like($twice->{status}, qr/^40[01]$/, 'twice: refused');
        my $big = asked($kind, $far, POST => '/entity/pool', body => 'name=' . 'x' x 900_000, type => 'application/x-www-form-urlencoded');
        is($big->{status}, 401, 'refused with its body unread');
        ok($big->{complete}, 'and answered whole');
        is(asked($kind, $reader, GET => '/preferences/')->{status}, 200, 'preferences of the owner');
    };
}

subtest 'writing without reading' => sub {
    my ($writer) = add('--owner', 'blind', '--scope', 'write:attribute', '--scope', 'write:entity', '--scope', 'write:preferences');
    my ($both)   = add('--owner', 'blind', '--scope', 'write:attribute', '--scope', 'read:attribute');
    my $path     = '/attribute/testserver1/blind';
    for my $case (
        [ PUT => $path, form => 'value=1' ], [ POST => "$path/sub", form => 'value=2' ],
        [ POST => '/entity/pool', form => 'name=blind' ], [ PUT => '/preferences/blind', json => { a => 1 } ], [ DELETE => $path ],
    ) {
        my ($method, $at, @body) = @$case;
        my $answer = asked('nginx', $writer, $method, $at, @body);
        is($answer->{status}, 204, "$method $at: done, with nothing to see");
        is($answer->{body}, '', '  no body');
        is($answer->{headers}{'content-type'}, undef, '  nor its type');
        like($answer->{headers}{'clusto-version'} // '', qr/^\d+$/, '  but the version') if $at !~ /^.preferences/;
    }
    is(asked('nginx', $writer, GET => $path)->{status}, 403, 'it may not be read');
    my $told = asked('nginx', $writer, PUT => '/attribute/testserver99/blind', form => 'value=1');
    is($told->{status}, 404, 'errors are told');
    my $answer = asked('nginx', $both, PUT => $path, form => 'value=3');
    is($answer->{status}, 200, 'who may read as well');
    is(scalar(grep { $_->{key} eq 'blind' } @{ $answer->{json} }), 1, '  gets the attributes');
    is(asked('nginx', $both, DELETE => $path)->{status}, 200, '  also when its attribute is deleted');
    my ($giver) = add('--owner', 'blind', '--scope', 'allocate:resourcemanager');
    $answer = asked('nginx', $giver, POST => '/resourcemanager/simplenamemanager/testnames', form => 'driver=basicserver');
    isnt($answer->{status}, 204, 'who allocates is told what was allocated');
};

subtest 'whose preferences' => sub {
    my $strict = Muster::Server->new(
        postgres => $postgres, schema => 0,
        conf => { %{ $server->{conf} }, listen => undef, trusted_networks => [], access => [ { who => '*', roles => [ 'read', 'write' ] } ] },
        start => 0,
    );
    $strict->write_conf(listen => "unix:$strict->{socket}");
    $strict->start;
    my $client = Muster::Front->new(server => $strict)->client;
    my ($alice) = add('--owner', 'alice');
    my $ask = sub {
        my ($token, $user, $method, $path, %option) = @_;
        return $client->request($method, $path, %option,
            headers => { Authorization => "Bearer $token", defined $user ? ('X-User-Id' => $user) : () });
    };
    is($ask->($alice, undef, POST => '/preferences/mine', json => { a => 1 })->{status}, 204, 'written without a header');
    is_deeply($ask->($alice, undef, GET => '/preferences/mine')->{json}, { a => 1 }, 'and read');
    is($ask->($alice, 'alice', GET => '/preferences/mine')->{status}, 200, 'a header with her own name');
    is($ask->($alice, 'reader', GET => '/preferences/mine')->{status}, 403, 'one with another: 403');
    is($ask->($reader, 'alice', DELETE => '/preferences/mine')->{status}, 403, 'and the other way round');
    is($ask->($reader, undef, GET => '/preferences/mine')->{status}, 404, 'no user sees what others have');
    is($client->get('/preferences/mine', headers => { 'X-User-Id' => 'alice' })->{status}, 401, 'a header alone is anonymous');
    is($ask->($alice, undef, GET => '/preferences/mine')->{status}, 200, 'it is still there');
    $strict->stop;
};

sub listed {
    my (@args) = @_;
    my $result = $server->run_program([ 'token', 'list', @args ]);
    my ($head, @lines) = split /\n/, $result->{out};
    my @names = split /\t/, $head;
    return map { my %row; @row{@names} = split /\t/, $_, -1; \%row } @lines;
}

subtest 'list, last use' => sub {
    my ($fresh, $id) = add('--owner', 'lister', '--scope', 'read', '--scope', 'admin:root', '--network', '127.0.0.1');
    my ($row) = listed('--owner', 'lister');
    is_deeply([ @$row{qw(id owner scopes networks), 'last used', 'state'} ],
        [ $id, 'lister', 'read,admin:root', '127.0.0.1', '-', 'valid' ], 'all that is known');
    like($row->{made}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'when it was made');
    like($row->{expires}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'and how long it is good for');
    is(asked('nginx', $fresh, GET => '/__version__')->{status}, 200, 'used');
    # Or a later one: where other workers write at that moment it is tried again after the next request.
    ok(poll(30, sub { ((listed('--owner', 'lister'))[0]{'last used'} // '-') ne '-' or asked('nginx', $fresh, GET => '/__version__') && 0 }), 'the use is written down');
    my $at = $postgres->psql("select last_used from muster_token where id = '$id'");
    asked('nginx', $fresh, GET => '/__version__') for 1 .. 3;
    is($postgres->psql("select last_used from muster_token where id = '$id'"), $at, 'not again within a minute');
    $postgres->psql("update muster_token set last_used = last_used - interval '61 seconds' where id = '$id'");
    asked('nginx', $fresh, GET => '/__version__');
    ok(poll(30, sub { $postgres->psql("select last_used >= '$at' from muster_token where id = '$id'") eq 't' }), 'but after it');
};

# A server with one worker, and what is in front of it.
sub one_worker {
    my $lone = Muster::Server->new(
        postgres => $postgres, schema => 0,
        conf => { workers => 1, token_key => $server->{conf}{token_key}, access => [ { who => '*', roles => 'read' } ] },
    );
    return ($lone, Muster::Front->new(server => $lone));
}

my $sessions = "from pg_stat_activity where application_name = 'muster'";

subtest 'a session that was lost since the last request' => sub {
    my ($token) = add('--owner', 'reader');
    my ($lone, $front) = one_worker();
    my $client = $front->client;
    # Within a moment of the request before: a psql that is already running.
    my $psql = open2(my $out, my $in, "$postgres->{bin}/psql", '-XqAt', '-d', $postgres->conninfo);
    my $ask = sub { my ($sql) = @_; syswrite $in, "$sql;\n"; my $line = <$out> // ''; chomp $line; return $line };
    my ($ended, @answers) = (0);
    for (1 .. 10) {
        push @answers, $client->get('/by-name/testserver1', headers => { Authorization => "Bearer $token" })->{status};
        $ended += $ask->("select count(pg_terminate_backend(pid)) $sessions");
        poll(10, sub { $ask->("select count(*) $sessions") eq '0' });
    }
    is_deeply(\@answers, [ (200) x 10 ], "is none of the caller's business");
    cmp_ok($ended, '>=', 10, 'each time it was ended');
    close $in, waitpid $psql, 0;
    $front->stop;
    is($lone->stop, 0, 'the server ends well');
};

subtest 'a standby that does not respond delays no request' => sub {
    my ($token, $id) = add('--owner', 'reader');
    my ($waits, $front) = one_worker();
    my $client = $front->client(timeout => 8);
    # In force for the server's new sessions only.
    $postgres->psql('alter database muster set synchronous_commit = on');
    $postgres->psql("alter system set synchronous_standby_names = 'nobody'", database => 'postgres');
    $postgres->psql('select pg_reload_conf()', database => 'postgres');
    ok(poll(10, sub { $postgres->psql('show synchronous_standby_names') eq 'nobody' }), 'every commit would wait');
    $postgres->psql("select pg_terminate_backend(pid, 60000) $sessions");
    my $ask = sub { return $client->get('/by-name/testserver1', headers => { Authorization => "Bearer $token" }) };
    for my $n (1, 2) {
        my $answer = $ask->();
        is($answer->{status}, 200, "read $n by the only worker");
        cmp_ok($answer->{seconds}, '<', 3 * ($ENV{MUSTER_SLOW} // 1), 'is answered at once');
    }
    my $used = sub { $postgres->psql("select last_used is not null from muster_token where id = '$id'") };
    ok(poll(5, sub { $used->() eq 't' }), 'and the use is written down');
    $postgres->psql('alter system reset synchronous_standby_names', database => 'postgres');
    $postgres->psql('select pg_reload_conf()', database => 'postgres');
    $postgres->psql('set synchronous_commit = off; alter database muster reset synchronous_commit', database => 'postgres');
    ok(poll(10, sub { $postgres->psql('show synchronous_standby_names') eq '' }), 'none does any more');
    $front->stop;
    is($waits->stop, 0, 'the server ends well');
};

subtest 'expired' => sub {
    my ($token, $id) = add('--owner', 'reader', '--expires', '1h');
    is(asked('nginx', $token, GET => '/__version__')->{status}, 200, 'before');
    $postgres->psql("update muster_token set expires = now() where id = '$id'");
    is(asked('nginx', $token, GET => '/__version__')->{status}, 401, 'after');
    is(scalar(grep { $_->{id} eq $id } listed()), 0, 'not listed');
    is((grep { $_->{id} eq $id } listed('--all'))[0]{state}, 'expired', 'but with --all');
};

subtest 'revoked: over at once, in every worker' => sub {
    my ($token, $id) = add('--owner', 'reader');
    my $client = $front{nginx}->client;
    my @before = map { asked('nginx', $token, GET => '/by-name/testserver1')->{status} } 1 .. 12;
    is_deeply(\@before, [ (200) x 12 ], 'every worker knows it');
    is($server->run_program([ 'token', 'revoke', $id ])->{status}, 0, 'revoke');
    my @after = map { asked('nginx', $token, GET => '/by-name/testserver1')->{status} } 1 .. 12;
    is_deeply(\@after, [ (401) x 12 ], 'none does any more, kept answers or not');
    is($server->run_program([ 'token', 'revoke', $id ])->{status}, 1, 'a second time there is nothing to revoke');
    my ($whole) = add('--owner', 'reader');
    is($server->run_program([ 'token', 'revoke', $whole ])->{status}, 0, 'by the whole token');
    is(asked('nginx', $whole, GET => '/__version__')->{status}, 401, 'too');
    my @many = map { (add('--owner', 'many'))[0] } 1 .. 2;
    like($server->run_program([ 'token', 'revoke', '--owner', 'many' ])->{out}, qr/revoked 2 of many/, 'all of one owner');
    is(asked('nginx', $_, GET => '/attribute/testserver1')->{status}, 401, 'are over') for @many;
    is(asked('nginx', $reader, GET => '/__version__')->{status}, 200, 'others are not');
};

subtest 'another key' => sub {
    my $other = Muster::Server->new(postgres => $postgres, schema => 0, start => 0, conf => { token_key => 'z' x 32 });
    my $answer = $other->once(GET => '/__version__', env => { HTTP_AUTHORIZATION => "Bearer $reader" });
    like($answer->{out}, qr/\AStatus: 401/, 'no token is valid');
    my $same = $server->once(GET => '/__version__', env => { HTTP_AUTHORIZATION => "Bearer $reader" });
    like($same->{out}, qr/\AStatus: 200/, 'with the right one it is');
};

subtest 'the database is unreachable' => sub {
    $postgres->stop;
    my $answer = asked('nginx', $reader, GET => '/__version__');
    is($answer->{status}, 503, 'a token can\'t be checked: 503');
    ok($answer->{headers}{'retry-after'}, 'come back later');
    is($front{nginx}->client->get('/__version__')->{status}, 401, 'a client without one is told so all the same');
    $postgres->start;
    ok(poll(10, sub { asked('nginx', $reader, GET => '/__version__')->{status} == 200 }), 'and it is well again');
};

subtest 'no one else knows it' => sub {
    my $log  = $server->log . join '', map { $_->log } values %front;
    my $dump = $postgres->psql('select string_agg(t::text, $$ $$) from muster_token t');
    my $sql  = $postgres->log;
    like($sql, qr/token_find: .*\n.*parameters: \$1 = /, 'PostgreSQL writes down each statement with its parameters');
    for my $secret (@secrets) {
        ok(index($log, $secret) < 0, 'not in the log') or last;
        ok(index($sql, $secret) < 0, 'not in PostgreSQL\'s') or last;
        ok(index($dump, $secret) < 0, 'not in the database');
    }
    unlike($log, qr/bearer/i, 'nor anything of Authorization');
    unlike($sql, qr/mst_[0-9a-f]/, 'nor in PostgreSQL\'s');
    unlike($log . $dump . $sql, qr/kkkkkkkk/, 'nor the key');
    like($log, qr/reader/, 'but the owner');
};

$_->stop for values %front;
$server->stop;
done_testing();
