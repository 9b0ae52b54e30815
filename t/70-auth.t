# 70-auth.t: authorization: every route for every kind of caller, before any work is done; whose
# headers are trusted; the default configuration and the hardened one; rows of other users.
use v5.24;
use warnings;
use Test::More;
use Muster::Client;
use Muster::Data qw(load_example);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(build_dir slurp source_dir spew);
use Muster::Server;

my $postgres = Muster::Postgres->new;

# The front server passes on the user and the client's address, in what the test's client sends; through
# lighttpd it is mod_auth that says it.
sub told_by_client {
    my ($text) = @_;
    $text =~ s/(fastcgi_param REMOTE_USER +)""/$1\$http_test_user/ or die 'no REMOTE_USER in the sample';
    $text =~ s/(fastcgi_param REMOTE_ADDR +)\$remote_addr/map \$http_test_addr \$test_addr { "" \$remote_addr; default \$http_test_addr; }\n$1\$test_addr/
        or die 'no REMOTE_ADDR in the sample';
    # A map stands outside.
    $text =~ s/^ *(map \$http_test_addr [^}]*\})\n//m or die;
    return "$1\n$text";
}

sub world {
    my (%conf) = @_;
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, conf => { log_level => 'debug', %conf });
    my $front = Muster::Front->new(server => $server, edit => \&told_by_client);
    return ($server, $front);
}

my %rules = (
    reader    => { roles => 'read' },
    writer    => { roles => [ 'read', 'write' ], mounts => [ 'entity', 'attribute' ] },
    allocator => { roles => 'allocate', mounts => 'resourcemanager' },
    manager   => { roles => [ 'write', 'read' ], mounts => 'resourcemanager' },
    keeper    => { roles => [ 'write', 'read' ], mounts => 'preferences' },
    boss      => { roles => 'admin' },
    rootboss  => { roles => 'admin', mounts => 'root' },
);
my @mounts = qw(root entity attribute resourcemanager preferences);
my %role;    # identity -> mount -> role -> 1
for my $who (keys %rules) {
    my $rule  = $rules{$who};
    my @on    = ref $rule->{mounts} ? @{ $rule->{mounts} } : $rule->{mounts} // @mounts;
    my @roles = ref $rule->{roles} ? @{ $rule->{roles} } : $rule->{roles};
    for my $mount (@on) { $role{$who}{$mount}{$_} = 1 for @roles }
}

# Every route of the program, and the role that it ought to need.
sub routes {
    my @routes;
    for (split /\n/, qx(@{[build_dir()]}/t/tables)) {
        my ($kind, $method, $mount, $pattern) = split /\t/;
        next unless $kind eq 'route';
        my $needs =
              $pattern =~ /^__(?:live|ready|metrics)__$/ ? 'admin'
            : $pattern eq 'transaction' ? 'any'
            : $pattern eq '__whoami__'  ? 'identity'
            : $method =~ /^(?:GET|HEAD)$/ || $pattern eq 'query' ? 'read'
            : $mount eq 'resourcemanager' && $pattern eq '{driver}/{name}' ? 'allocate'
            :                                                                'write';
        my $path = ($mount eq 'root' ? '/' : "/$mount/") . $pattern =~ s/\{driver\}/nodriver/r =~ s/\{\w+[?*]?\}/nothing/gr;
        push @routes, { method => $method, mount => $mount, path => $path, needs => $needs };
        push @routes, { method => $method, mount => $mount, path => $path =~ s{^/resourcemanager}{/resource}r, needs => $needs }
            if $mount eq 'resourcemanager';
    }
    return @routes;
}

Muster::Server->new(postgres => $postgres, start => 0);
load_example($postgres);

subtest 'every route, every kind of caller' => sub {
    my ($server, $front) = world(
        access           => [ map { { who => $_, %{ $rules{$_} } } } sort keys %rules ],
        monitor_networks => ['192.0.2.0/24'],
    );
    my $client = $front->client(keep_alive => 1);
    my @routes = routes();
    cmp_ok(scalar @routes, '>', 40, 'there are routes');
    my ($n, @wrong, %seen) = (0);
    for my $who (undef, 'stranger', sort keys %rules) {
        for my $route (@routes) {
            my $may     = $who && ($role{$who}{ $route->{mount} }{ $route->{needs} } || $role{$who}{ $route->{mount} }{admin} || $route->{needs} eq 'any' && grep({ %$_ } values %{ $role{$who} }) || $route->{needs} eq 'identity');
            # An import also writes what these have.
            my $more = $may && $route->{path} eq '/import' && grep { !$role{$who}{$_}{write} && !$role{$who}{$_}{admin} } qw(entity attribute);
            $may = 0 if $more;
            my $id      = 'case' . ++$n;
            my $body    = $route->{method} =~ /^(?:GET|HEAD)$/ ? undef : '';
            my $answer  = $client->request($route->{method}, $route->{path},
                body => $body, headers => { 'X-Request-Id' => $id, $who ? ('Test-User' => $who) : () });
            my $refused = $answer->{status} =~ /^40[13]$/;
            my $want    = $may ? 'admitted' : defined $who ? 403 : 401;
            my $got     = $refused ? $answer->{status} : 'admitted';
            my $name    = ($who // 'nobody') . " $route->{method} $route->{path}";
            push @wrong, "$name: $got, not $want ($answer->{status} $answer->{body})" if $got ne $want;
            push @wrong, "$name: 401 without WWW-Authenticate" if $answer->{status} == 401 && ($answer->{headers}{'www-authenticate'} // '') ne 'Bearer';
            push @wrong, "$name: no JSON string" if $refused && $route->{method} ne 'HEAD' && ref \$answer->{json} ne 'SCALAR';
            push @wrong, "$name: $answer->{status}" if $answer->{status} >= 500;
            push @wrong, "$name: $answer->{json}"
                if $answer->{status} == 403 && $route->{method} ne 'HEAD' && !$more
                && $answer->{json} ne 'Permission denied: this needs ' . ($route->{needs} eq 'any' ? 'a role.' : "the role $route->{needs} on $route->{mount}.");
            $seen{$id} = $name if $refused;
        }
    }
    is_deeply([ splice @wrong, 0, 20 ], [], "$n requests are answered as they should be");
    my @worked = map { $seen{$_} // () } $server->log =~ /\[(case\d+)\] sql:/g;
    is_deeply(\@worked, [], 'whoever was refused caused no statement');
    cmp_ok(scalar keys %seen, '>', 100, 'and many were');
    like($server->log, qr/\[case\d+\] sql:/, 'others did');
    $front->stop;
    $server->stop;
};

subtest 'the order of the checks' => sub {
    my ($server, $front) = world(access => [ { who => 'reader', roles => 'read' } ], body_limit => 100_000);
    my $client = $front->client;
    my $as     = sub { my ($who) = @_; return (headers => { 'Test-User' => $who }) };
    is($client->options('/entity/pool', body => '')->{status}, 204, 'OPTIONS needs no user: a browser asks before it authenticates');
    is($client->get('/no/such/path')->{status}, 404, 'a path that is not there');
    is($client->request(PUT => '/driverlist', body => '')->{status}, 405, 'a method that is not there');
    is($client->get('/by-names?name=%ff')->{status}, 401, 'authentication comes before the request');
    is($client->get('/by-names?name=%ff', $as->('reader'))->{status}, 400, 'then what');
    my $big = $client->post('/entity/pool', form => 'name=' . 'x' x 90_000);
    is($big->{status}, 401, 'the body of an unknown client is not read');
    ok($big->{complete}, 'which gets its response all the same');
    is($client->post('/entity/pool', form => 'name=' . 'x' x 200_000)->{status}, 401, 'however large it is');
    is($client->post('/entity/pool', form => 'name=' . 'x' x 200_000, $as->('reader'))->{status}, 403, 'nor that of a known user');
    is($client->get('/by-name/testserver1', $as->('reader'))->{status}, 200, 'a cached response')
        for 1 .. 6;
    is($client->get('/by-name/testserver1')->{status}, 401, 'is not served to everyone');
    is($client->get('/by-name/testserver1', $as->('stranger'))->{status}, 403, 'nor to a user without a role');
    is($client->get('/by-name/testserver1', $as->($_))->{status}, 403, "names are compared whole: $_") for qw(readers reade Reader);
    is($client->get('/by-name/testserver1', $as->('x' x 256))->{status}, 400, 'a name is 255 bytes at most');
    is($client->get('/by-name/testserver1', $as->("\xff"))->{status}, 400, 'and UTF-8');
    $front->stop;
    $server->stop;
};

subtest 'by default everyone may do everything' => sub {
    my ($server, $front) = world();
    my $client = $front->client;
    is($client->get('/by-name/testserver1')->{status}, 200, 'read');
    is($client->post('/entity/pool', form => 'name=made')->{status}, 201, 'write');
    is($client->post('/resourcemanager/simpleentitynamemanager/testnames', form => 'driver=basicserver')->{status}, 201, 'allocate');
    is($client->get('/by-name/testserver1', headers => { Authorization => 'Bearer x' })->{status}, 200, 'tokens are the business of others');
    $front->stop;
    $server->stop;
};

subtest 'the hardened sample' => sub {
    my $conf = spew(Muster::Process::temp_dir() . '/hardened.conf', slurp(source_dir() . '/etc/hardened.conf'));
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, start => 0, more => slurp($conf));
    my $check = $server->run_program(['-t']);
    is($check->{status}, 0, 'it is a configuration') or diag $check->{err};
    $server->start;
    my $front  = Muster::Front->new(server => $server, identity => 'basic');
    my $nobody = Muster::Front->new(server => $server)->client;
    my $alice  = $front->client(user => 'alice', password => 'secret');
    my @wrong;
    for my $route (routes()) {
        next if $route->{needs} eq 'admin';    # read from here, as monitor_networks says
        my $body = $route->{method} =~ /^(?:GET|HEAD)$/ ? undef : '';
        my $got  = $nobody->request($route->{method}, $route->{path}, body => $body)->{status};
        push @wrong, "nobody: $route->{method} $route->{path} $got" if $got != 401;
        $got = $alice->request($route->{method}, $route->{path}, body => $body)->{status};
        push @wrong, "alice: $route->{method} $route->{path} $got" if $got != ($route->{needs} eq 'identity' ? 200 : 403);
    }
    is_deeply([ splice @wrong, 0, 10 ], [], 'no one may do anything, known or not');
    my $known = $alice->get('/__whoami__')->{json};
    is_deeply([ @$known{qw(name by)}, grep { @$_ } values %{ $known->{roles} } ], [ 'alice', 'front' ], 'who is known is told so, and that there is no role');
    is($nobody->get('/__version__', headers => { 'X-User-Id' => 'alice', 'Remote-User' => 'alice' })->{status}, 401, 'whatever headers say');
    my $answer = $nobody->get('/__version__');
    is($answer->{headers}{'x-content-type-options'}, 'nosniff', 'its headers are there');
    $server->stop;
    $front->stop;

    # What is commented out in it is right, too.
    my $open = slurp($conf) =~ s/^#(    \{ who)/$1/gmr;
    $server = Muster::Server->new(postgres => $postgres, schema => 0, more => $open);
    for my $kind (qw(nginx lighttpd)) {
        my $basic = Muster::Front->new(kind => $kind, server => $server, identity => 'basic');
        my ($a, $b) = map { $basic->client(user => $_, password => 'secret') } qw(alice bob);
        is($b->get('/by-name/testserver1')->{status}, 200, "$kind: everybody with a name reads");
        is($b->post("/entity/pool", form => "name=$kind-pool")->{status}, 201, "$kind: bob writes objects");
        is($b->post("/$_/simplenamemanager", form => "name=$kind-names")->{status}, 403, "$kind: but makes no manager, /$_ or not")
            for qw(resourcemanager resource entity);
        is($a->post("/resourcemanager/simplenamemanager", form => "name=$kind-names")->{status}, 201, "$kind: alice does all of it");
        is($b->delete("/entity/simplenamemanager/$kind-names", body => '')->{status}, 403, "$kind: nor deletes bob one");
        is($a->delete("/entity/simplenamemanager/$kind-names", body => '')->{status}, 204, "$kind: as alice does");
        like($a->put('/preferences/mine', json => { a => 1 })->{status}, qr/^20[14]$/, "$kind: preferences");
        is($b->get('/preferences/mine')->{status}, 404, "$kind: are one's own");
        is($b->get('/preferences/mine', headers => { 'X-User-Id' => 'alice' })->{status}, 404, "$kind: a header changes nothing");
        my $plain = $basic->client;
        is($plain->get('/by-name/testserver1')->{status}, 401, "$kind: without a password the front server says no");
        $basic->stop;
    }
    $server->stop;
};

# Whatever path they are made by, they are the managers' business.
subtest 'managers take a role on their own mount' => sub {
    my ($server, $front) = world(access => [
        { who => 'writer', roles => [ 'read', 'write' ], mounts => 'entity' },
        { who => 'allocator', roles => [ 'read', 'allocate' ], mounts => 'resourcemanager' },
        { who => 'allocator', roles => 'write', mounts => 'entity' },
        { who => 'both', roles => [ 'read', 'write' ], mounts => [ 'entity', 'resourcemanager' ] },
        { who => 'anonymous', roles => 'write', mounts => 'entity' },
        { who => 'boss', roles => 'admin' },
        { who => 'rooter', roles => 'admin', mounts => 'root' },
        { who => 'reverter', roles => [ 'read', 'write' ], mounts => [ 'root', 'entity', 'attribute' ] },
    ]);
    my $client = $front->client;
    my $ask    = sub {
        my ($who, $method, $path, $form) = @_;
        return $client->request($method, $path, form => $form // '', headers => $who ? { 'Test-User' => $who } : {});
    };
    my $there = sub { return $postgres->psql("select count(*) from entities where name = '$_[0]' and deleted_at_version is null") };
    my $missing = qr/"write" on "resourcemanager"/;
    my $versions;
    for my $driver (qw(simplenamemanager simpleentitynamemanager ipmanager resourcemanager)) {
        for my $who (qw(writer allocator)) {
            my $answer = $ask->($who, POST => "/entity/$driver", 'name=forbidden');
            is($answer->{status}, 403, "$who makes no $driver");
            like($answer->{json}, $missing, 'and is told what is missing');
        }
    }
    my $answer = $ask->(undef, POST => '/entity/ipmanager', 'name=forbidden');
    is($answer->{status}, 401, 'nor does somebody unknown');
    is($answer->{headers}{'www-authenticate'}, 'Bearer', 'which is asked to authenticate');
    $answer = $ask->('allocator', POST => '/resourcemanager/simpleentitynamemanager/testnames', 'driver=ipmanager&resource=forbidden');
    is($answer->{status}, 403, 'nor does whoever may have an object named');
    like($answer->{json}, $missing, 'and is told so');
    is($there->('forbidden'), 0, 'none was made');

    is($ask->('both', POST => '/entity/ipmanager', "name=kept-$_")->{status}, 201, 'with both roles one is made') for qw(a b c);
    $versions = $postgres->psql('select count(*) from clustoversioning');
    for my $path (qw(ipmanager/kept-a entity/kept-a)) {
        for my $who (qw(writer allocator)) {
            $answer = $ask->($who, DELETE => "/entity/$path");
            is($answer->{status}, 403, "$who does not delete it by $path");
            like($answer->{json}, $missing, 'and is told what is missing');
        }
    }
    is($ask->(undef, DELETE => '/entity/ipmanager/kept-a')->{status}, 401, 'nor does somebody unknown');
    is($there->('kept-a'), 1, 'it is there');
    is($postgres->psql('select count(*) from clustoversioning'), $versions, 'nothing was written');
    is($ask->('both', DELETE => '/entity/ipmanager/kept-a')->{status}, 204, 'both roles delete it');
    is($ask->('boss', DELETE => '/entity/ipmanager/kept-b')->{status}, 204, 'or admin');
    is($ask->('writer', POST => '/entity/pool', 'name=plain')->{status}, 201, 'other objects take one role');
    is($ask->('writer', DELETE => '/entity/pool/plain')->{status}, 204, 'made or deleted');
    is($ask->('writer', DELETE => '/entity/ipmanager/nowhere')->{status}, 404, 'what is not there is not there');
    $answer = $ask->('allocator', POST => '/resourcemanager/simpleentitynamemanager/testnames', 'driver=basicserver');
    is($answer->{status}, 201, 'and having one named takes allocate');

    # A version can be undone by whoever may do all that it did, and its opposite.
    my $made = $ask->('boss', POST => '/entity/pool', 'name=undone')->{headers}{'clusto-version'};
    $ask->('boss', POST => '/entity/ipmanager', 'name=manager-undone');
    my $manager = $postgres->psql('select max(version) from clustoversioning');
    for my $case ([ undef, $made, 401, qr/needs|required/i ], [ 'writer', $made, 403, qr/write on root/ ], [ 'rooter', $made, 403, qr/"write" on "entity" and "attribute"/ ],
        [ 'reverter', $manager, 403, $missing ], [ 'reverter', $made, 200, undef ], [ 'boss', $manager, 200, undef ]) {
        my ($who, $version, $status, $like) = @$case;
        $answer = $ask->($who, POST => '/revert', "version=$version");
        is($answer->{status}, $status, ($who // 'nobody') . " reverts: $status") or diag $answer->{body};
        like($answer->{json}, $like, 'and is told why') if $like;
    }
    is($there->('undone') + $there->('manager-undone'), 0, 'both were undone');

    # A token's scopes in the place of rules.
    $front->stop;
    $server->stop;
    ($server, $front) = world(token_key => 'k' x 32, access => []);
    $client = $front->client;
    for my $case ([ ['write:entity'], 403 ], [ [ 'write:entity', 'write:resourcemanager' ], 204 ]) {
        my ($scopes, $status) = @$case;
        my $token = $server->run_program([ 'token', 'add', '--owner', 'robot', map { ('--scope', $_) } @$scopes ])->{out} =~ s/\n//r;
        is($client->delete('/entity/ipmanager/kept-c', body => '', headers => { Authorization => "Bearer $token" })->{status}, $status, "a token for @$scopes: $status");
    }
    $front->stop;
    $server->stop;
};

subtest 'whose word is believed' => sub {
    my ($server, $front) = world(
        trusted_networks => [ '192.0.2.0/24', '2001:db8::/32', 'unix' ],
        access           => [ { who => '*', roles => [ 'read', 'write' ] }, { who => 'anonymous', roles => [ 'read', 'write' ], mounts => 'preferences' } ],
    );
    # The sample's front server takes X-User-Id off; here it is let through.
    my $client = $front->client;
    my $ask    = sub {
        my ($from, $remote_user, $user, $method, $path, %option) = @_;
        return $client->request($method, $path, %option, headers => {
            'Test-Addr' => $from,
            defined $remote_user ? ('Test-User' => $remote_user) : (),
            defined $user ? ('X-User-Id' => $user) : (),
        });
    };
    for my $gateway ('192.0.2.7', '2001:db8::7', '::ffff:192.0.2.9', 'unix:') {
        is($ask->($gateway, undef, 'ann', POST => '/preferences/p', json => { from => $gateway })->{status}, 204, "$gateway writes for a user");
        is($ask->($gateway, 'gateway', 'ann', GET => '/preferences/p')->{json}{from}, $gateway, 'also under a name of its own');
    }
    for my $other ('192.0.3.7', '10.0.0.1', '2001:db9::7', '', 'nonsense', '192.0.2.7, 10.0.0.1') {
        my $name = "\"$other\"";
        is($ask->($other || '-', undef, 'ann', GET => '/preferences/p')->{status}, 401, "$name: a header proves nothing");
        is($ask->($other || '-', 'ben', 'ann', GET => '/preferences/p')->{status}, 403, "$name: nor another's");
        is($ask->($other || '-', 'ann', 'ann', GET => '/preferences/p')->{status}, 200, "$name: unless it says the same");
        is($ask->($other || '-', 'ben', undef, GET => '/preferences/p')->{status}, 404, "$name: one's own need none");
    }
    my $twice = $client->get('/preferences/p', headers => [ 'X-User-Id' => 'ann', 'X-User-Id' => 'ben', 'Test-Addr' => '192.0.2.7' ]);
    is($twice->{status}, 400, 'said twice: refused');
    $front->stop;
    $server->stop;

    # An identity out of a header is believed in the same way.
    ($server, $front) = world(
        identity_param => 'HTTP_X_REMOTE_USER', trusted_networks => ['192.0.2.1'],
        access         => [ { who => 'ann', roles => 'read' } ],
    );
    $client = $front->client;
    is($client->get('/__version__', headers => { 'X-Remote-User' => 'ann', 'Test-Addr' => '192.0.2.1' })->{status}, 200, 'from there');
    is($client->get('/__version__', headers => { 'X-Remote-User' => 'ann' })->{status}, 401, 'from here it is not');
    $front->stop;
    $server->stop;
};

subtest 'spellings of a header that says who somebody is' => sub {
    my @spelled = map { my $name = $_; map { $name =~ s/-/$_/gr } '-', '_', '.' } 'X-User-Id', 'x-user-id', 'Remote-User', 'HTTP-REMOTE-USER', 'X-Remote-User';
    my $strict = Muster::Server->new(postgres => $postgres, schema => 0, more => slurp(source_dir() . '/etc/hardened.conf')
        =~ s/^access = \((?:.*\n)*?\);/access = ( { who = "*"; roles = ( "read", "write" ); } );/mr);
    my $open = Muster::Server->new(postgres => $postgres, schema => 0);
    for my $kind (qw(nginx lighttpd)) {
        my $plain = Muster::Front->new(kind => $kind, server => $strict)->client;
        my $basic = Muster::Front->new(kind => $kind, server => $strict, identity => 'basic');
        my ($alice, $bob) = map { $basic->client(user => $_, password => 'secret') } qw(alice bob);
        is($alice->put("/preferences/$kind-hers", json => {})->{status}, 201, "$kind: hers");
        for my $name (@spelled) {
            is($plain->get("/preferences/$kind-hers", headers => { $name => 'alice' })->{status}, 401, "$kind: $name proves nothing");
            is($bob->get("/preferences/$kind-hers", headers => { $name => 'alice' })->{status}, 404, "$kind: nor takes the place of a password");
        }
        # Where headers are believed, a second one in another spelling is found out, or never gets through.
        my $believing = Muster::Front->new(kind => $kind, server => $open)->client;
        for my $name (grep { !/^x-user-id$/i && /user.id/i } @spelled) {
            for my $both ([ 'X-User-Id' => 'bob', $name => 'alice' ], [ $name => 'alice', 'X-User-Id' => 'bob' ]) {
                like($believing->get("/preferences/$kind-hers", headers => $both)->{status}, qr/^40[04]$/, "$kind: $both->[0] and $both->[2]: not alice");
            }
        }
    }
    $_->stop for $strict, $open;
};

subtest 'rows of others are not there for an ordinary role' => sub {
    $postgres->psql("create role keeper login; create database kept owner keeper");
    my $conninfo = $postgres->conninfo('kept') =~ s/user=postgres/user=keeper/r;
    my $server   = Muster::Server->new(postgres => $postgres, conninfo => $conninfo);
    my $client   = Muster::Front->new(server => $server)->client;
    is($client->post("/preferences/$_", json => { of => $_ }, headers => { 'X-User-Id' => $_ })->{status}, 204, "$_ writes")
        for qw(ann ben);
    is_deeply($client->get('/preferences/ann', headers => { 'X-User-Id' => 'ann' })->{json}, { of => 'ann' }, 'and reads');
    is($client->patch('/preferences/ann', body => '{"b":2}', type => 'application/merge-patch+json', headers => { 'X-User-Id' => 'ann' })->{status}, 204, 'and changes');
    my $ask = sub {
        my ($user, $sql, %option) = @_;
        return $postgres->psql("set role keeper; select set_config('muster.user_id', '$user', false) \\g /dev/null\n$sql", database => 'kept', %option);
    };
    is($postgres->psql('select count(*) from muster_preferences', database => 'kept'), 2, 'a superuser sees all');
    is($postgres->psql('set role keeper; select count(*) from muster_preferences', database => 'kept'), 0, 'the owner of the table none, before it says for whom');
    is($ask->('', 'select count(*) from muster_preferences'), 0, 'none without a user');
    is($ask->('ann', 'select string_agg(user_id, $$,$$) from muster_preferences'), 'ann', 'and then that user\'s, whatever the statement forgets');
    is($ask->('ann', "with x as (delete from muster_preferences returning 1) select count(*) from x"), 1, 'deletes no more');
    is($postgres->psql('select user_id from muster_preferences', database => 'kept'), 'ben', 'the other\'s is there');
    my $forged = $ask->('ann', "insert into muster_preferences (user_id, container, document, revision) values ('ben', 'x', '{}', 1);", fails => 1);
    like($forged->{err}, qr/row-level security/, 'and nothing is written for another');
    $forged = $ask->('ann', "update muster_preferences set user_id = 'ann' where user_id = 'ben'", fails => 1);
    is($postgres->psql('select user_id from muster_preferences', database => 'kept'), 'ben', 'nor taken');
    is($client->delete('/preferences/', headers => { 'X-User-Id' => 'ben' })->{status}, 204, 'ben deletes his');
    is($postgres->psql('select count(*) from muster_preferences', database => 'kept'), 0, 'none are left');
    my $again = $server->run_program(['--init-db']);
    is($again->{out}, "nothing to do\n", '--init-db leaves it so');
    $server->stop;
};

done_testing();
