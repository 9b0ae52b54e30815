# 72-browser.t: pages of other sites: which may read answers, what they are told before they ask, and
# what no configuration may allow. Request ids, too: in answers, logs, and the database.
use v5.24;
use warnings;
use JSON::PP ();
use Test::More;
use Muster::Client;
use Muster::Data qw(load_example);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;

my $postgres = Muster::Postgres->new;
my $plain    = Muster::Server->new(postgres => $postgres, start => 0);
load_example($postgres);

sub server {
    my (%conf) = @_;
    return Muster::Server->new(postgres => $postgres, schema => 0, conf => \%conf);
}

# The program may not start with this; the complaint names the line.
sub refused {
    my ($conf, $line, $why) = @_;
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, start => 0, more => $conf);
    my $result = $server->run_program(['-t']);
    is($result->{status}, 1, 'refused: ' . $conf =~ s/\n/ /gr);
    like($result->{err}, qr{/more\.conf:$line: setting "$why}, '  with file and line');
    my $start = $server->run_program(['-f']);
    is($start->{status}, 1, '  nothing starts');
    return;
}

subtest 'what no configuration may allow' => sub {
    my $all = qr/": credentials can't be allowed to pages of every origin/;
    refused("response_headers = (\n \"Access-Control-Allow-Origin: *\",\n \"Access-Control-Allow-Credentials: true\" );", 3, "response_headers$all");
    refused("response_headers = (\n \"Access-control-allow-credentials: TRUE\", \"access-control-allow-origin: *\" );", 2, "response_headers$all");
    refused("response_headers = {\n Access-Control-Allow-Origin = \"*\";\n Access-Control-Allow-Credentials = \"true\"; };", 3, "response_headers$all");
    refused("cors_origins = ( \"*\" );\ncors_credentials = true;", 2, "cors_credentials$all");
    refused("cors_origins = ( \"https://a.example\", \"*\" );\n\ncors_credentials = true;", 3, "cors_credentials$all");
    refused("response_headers = ( \"Access-Control-Allow-Origin: *\" );\ncors_credentials = true;", 2, "cors_credentials$all");
    refused("cors_origins = ( \"https://a.example\" );\nresponse_headers = (\n\"X-A: b\",\n\"Access-Control-Allow-Origin: *\" );", 4, 'response_headers": "Access-Control-Allow-Origin" is what cors_origins is for');
    refused("cors_origins = ( \"$_\" );", 1, 'cors_origins": "' . quotemeta($_) . '" is no origin')
        for 'null', 'https://a.example/', 'a.example', 'https://', 'https://A.example', 'https://*.example';
    refused("cors_headers = ( \"A b\" );", 1, 'cors_headers": "A b" is not the name of a header');
    my $fine = Muster::Server->new(postgres => $postgres, schema => 0, start => 0,
        more => 'response_headers = ( "Access-Control-Allow-Origin: https://a.example", "Access-Control-Allow-Credentials: true" );');
    is($fine->run_program(['-t'])->{status}, 0, 'one origin with credentials is fine');
};

my $origin = 'https://a.example';

# The headers of that kind in an answer, as a hash; each may be there once.
sub cors_of {
    my ($answer, $name) = @_;
    my %found;
    for my $pair (@{ $answer->{header_list} }) {
        my ($header, $value) = @$pair;
        next unless $header =~ /^access-control-(.+)/i;
        fail("$name: $header is duplicated") if $found{ lc $1 }++;
        $found{ lc $1 } = $value;
    }
    return \%found;
}

sub through {
    my ($server, $code) = @_;
    for my $kind (qw(nginx lighttpd)) {
        # The sample of lighttpd says that its lines have to go where the program is told.
        my $front = Muster::Front->new(kind => $kind, server => $server, cors => $kind eq 'nginx');
        $code->($front->client, $kind);
        $front->stop;
    }
    $server->stop;
    return;
}

sub preflight {
    my ($client, $path, $from, %headers) = @_;
    return $client->options($path, body => '', headers => {
        Origin => $from, 'Access-Control-Request-Method' => 'PUT',
        'Access-Control-Request-Headers' => 'content-type', %headers });
}

subtest 'chosen origins, with credentials' => sub {
    my $server = server(
        cors_origins => [ $origin, 'http://localhost:3000' ], cors_credentials => JSON::PP::true,
        cors_headers => [ 'Content-Type', 'X-Own' ], cors_max_age => 120_000,
        access => [ { who => 'nobody', roles => 'read' } ],
    );
    through($server, sub {
        my ($client, $kind) = @_;
        my $answer = $client->get('/by-name/testserver1', headers => { Origin => $origin });
        my $found  = cors_of($answer, $kind);
        is($answer->{status}, 401, "$kind: an error");
        is($found->{'allow-origin'}, $origin, "$kind: can be read by pages of a chosen origin");
        is($found->{'allow-credentials'}, 'true', "$kind: which origins may send credentials");
        like($found->{'expose-headers'}, qr/\bClusto-Pages\b.*\bETag\b.*\bX-Request-Id\b/, "$kind: and see the interface's headers");
        is($answer->{headers}{vary}, 'Origin', "$kind: caches are told");
        $answer = $client->get('/by-name/testserver1', headers => { Origin => 'https://b.example' });
        is_deeply(cors_of($answer, $kind), {}, "$kind: nothing for pages of others");
        is($answer->{headers}{vary}, 'Origin', "$kind: but caches are told");
        for my $other ('https://a.example.b.example', 'https://a.exampl', 'http://a.example', 'null', 'https://a.example:443', '') {
            is_deeply(cors_of($client->get('/__version__', headers => { Origin => $other }), $kind), {}, "$kind: \"$other\" is another");
        }
        is_deeply(cors_of($client->get('/__version__'), $kind), {}, "$kind: nor without an Origin");

        $answer = preflight($client, '/attribute/testserver1/key1', $origin);
        is($answer->{status}, 204, "$kind: a preflight needs no authentication");
        is_deeply(cors_of($answer, $kind), {
            'allow-origin' => $origin, 'allow-credentials' => 'true', 'max-age' => 120,
            'allow-headers' => 'Content-Type, X-Own', 'allow-methods' => 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
            'expose-headers' => $found->{'expose-headers'},
        }, "$kind: and is answered with what the path and the configuration allow");
        is(cors_of(preflight($client, '/driverlist', $origin), $kind)->{'allow-methods'}, 'GET, HEAD, OPTIONS', "$kind: another path, other methods");
        is(cors_of(preflight($client, '/no/such/path', $origin), $kind)->{'allow-methods'}, undef, "$kind: no path, none");
        is_deeply(cors_of(preflight($client, '/driverlist', 'https://b.example'), $kind), {}, "$kind: pages of others get no answer");
        my $plain = $client->options('/driverlist', body => '', headers => { Origin => $origin });
        is(cors_of($plain, $kind)->{'allow-methods'}, undef, "$kind: a plain OPTIONS is no such question");
        is($plain->{headers}{allow}, 'GET, HEAD, OPTIONS', "$kind: Allow says it anyway");
    });
};

# Browsers send a form of any page together with the password that they keep for this site.
subtest 'writes from pages of other sites' => sub {
    my $refused = 'Permission denied: a page of another site may not send this request.';
    my $server  = server(cors_origins => [$origin], access => [ { who => 'anonymous', roles => [ 'read', 'write' ] } ]);
    my $token   = 'Bearer mst_' . '0' x 16 . '_' . '0' x 64;
    my @cases   = (
        [ {}, 200, 'no browser' ],
        [ { 'Sec-Fetch-Site' => 'same-origin', Origin => 'http://own.example' }, 200, 'a page of ours' ],
        [ { 'Sec-Fetch-Site' => 'same-origin', Origin => 'https://own.example' }, 200, 'the same where a proxy does TLS' ],
        [ { 'Sec-Fetch-Site' => 'none' }, 200, 'the user' ],
        [ { Origin => 'http://own.example' }, 200, 'our own origin' ],
        [ { Origin => $origin }, 200, 'an origin of cors_origins' ],
        [ { Origin => $origin, 'Sec-Fetch-Site' => 'cross-site' }, 200, 'the same, from a newer browser' ],
        [ { 'Sec-Fetch-Site' => 'cross-site' }, 403, 'another site' ],
        [ { 'Sec-Fetch-Site' => 'same-site' }, 403, 'another host of this site' ],
        [ { Origin => 'http://own.example', 'Sec-Fetch-Site' => 'cross-site' }, 403, 'our origin, another site' ],
    );
    push @cases, [ { Origin => $_ }, 403, "origin $_" ]
        for 'https://b.example', 'https://own.example', 'http://own.example:81', 'http://own.example.b.example', 'null';
    through($server, sub {
        my ($client, $kind) = @_;
        for my $case (@cases) {
            my ($headers, $status, $name) = @$case;
            for my $write ([ PUT => '/attribute/testserver1/foreign', form => 'value=1' ], [ DELETE => '/attribute/testserver1/foreign' ]) {
                my ($method, $path, @body) = @$write;
                my $answer = $client->request($method, $path, @body ? @body : (body => ''), headers => { Host => 'own.example', %$headers });
                is($answer->{status}, $status, "$kind: $method, $name");
                is($answer->{json}, $refused, "$kind: is told so") if $status == 403;
            }
            is($client->get('/by-name/testserver1', headers => { Host => 'own.example', %$headers })->{status}, 200, "$kind: reading, $name");
        }
        is($client->put('/attribute/testserver1/foreign', form => 'value=1', headers => { Origin => 'https://b.example', Authorization => $token })->{status},
            200, "$kind: with a token, which no browser sends on its own");
        is($client->delete('/attribute/testserver1/foreign', body => '')->{status}, 200, "$kind: which is taken back");
        is($client->post('/entity/pool', form => 'name=' . 'x' x 2_000_000, headers => { Origin => 'null' })->{status}, 403, "$kind: its body is not looked at")
            if $kind eq 'lighttpd';
    });
    $server = server(foreign_writes => JSON::PP::true);
    my $front = Muster::Front->new(kind => 'nginx', server => $server);
    is($front->client->put('/attribute/testserver1/foreign', form => 'value=1', headers => { 'Sec-Fetch-Site' => 'cross-site', Origin => 'null' })->{status},
        200, 'foreign_writes: accepted');
    $front->stop;
    $server->stop;
};

subtest 'every origin' => sub {
    through(server(cors_origins => ['*']), sub {
        my ($client, $kind) = @_;
        for (1 .. 3) {    # also when it is kept
            my $answer = $client->get('/by-name/testserver1', headers => { Origin => $origin });
            is($answer->{status}, 200, "$kind: an answer");
            is(cors_of($answer, $kind)->{'allow-origin'}, '*', "$kind: for all");
            is(cors_of($answer, $kind)->{'allow-credentials'}, undef, "$kind: without credentials");
            unlike($answer->{headers}{vary} // '', qr/Origin/i, "$kind: and the same for all");
        }
        my $found = cors_of(preflight($client, '/preferences/mine', $origin), $kind);
        is($found->{'allow-methods'}, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', "$kind: methods");
        like($found->{'allow-headers'}, qr/Authorization.*If-Match.*X-User-Id/, "$kind: headers");
        is($found->{'max-age'}, 600, "$kind: for ten minutes");
    });
};

subtest 'by response_headers, as before' => sub {
    through(server(response_headers => [ 'Access-Control-Allow-Origin: *', 'Access-Control-Max-Age: 7' ]), sub {
        my ($client, $kind) = @_;
        is(cors_of($client->get('/no/such/path'), $kind)->{'allow-origin'}, '*', "$kind: on every answer");
        my $found = cors_of(preflight($client, '/entity/pool/x', $origin), $kind);
        is($found->{'allow-origin'}, '*', "$kind: a browser's question has it, too");
        is($found->{'allow-methods'}, 'GET, HEAD, POST, DELETE, OPTIONS', "$kind: and is answered");
        is($found->{'max-age'}, 7, "$kind: a word of the configuration's own holds");
    });
};

subtest 'not at all' => sub {
    through(server(), sub {
        my ($client, $kind) = @_;
        return if $kind eq 'nginx';    # its sample does it itself: 10-front.t
        is_deeply(cors_of(preflight($client, '/driverlist', $origin), $kind), {}, "$kind: nothing of the program's");
    });
};

subtest 'the samples of the front servers say what the program would' => sub {
    my $tells  = server(cors_origins => ['*']);
    my $silent = server();
    my $words  = sub { return join ', ', sort split /,\s*/, $_[0] // '' };
    for my $kind (qw(nginx lighttpd)) {
        my %said;
        for my $case ([ program => $tells, 0 ], [ sample => $silent, 1 ]) {
            my ($who, $server, $cors) = @$case;
            my $front  = Muster::Front->new(kind => $kind, server => $server, cors => $cors);
            my $client = $front->client;
            my $plain  = cors_of($client->get('/by-name/testserver1', headers => { Origin => $origin }), $kind);
            my $asked  = cors_of(preflight($client, '/preferences/mine', $origin), $kind);
            $said{$who} = {
                'expose-headers' => $words->($plain->{'expose-headers'}),
                map { $_ => $words->($asked->{$_}) } qw(allow-origin allow-headers max-age expose-headers),
            };
            # Of this path the program knows the methods; a sample names all that there are.
            my %all = map { $_ => 1 } split /, /, $words->($asked->{'allow-methods'});
            ok($all{$_}, "$kind: the $who allows $_") for qw(GET PUT PATCH DELETE);
            $front->stop;
        }
        is_deeply($said{sample}, $said{program}, "$kind: the same, header by header");
        like($said{sample}{'allow-headers'}, qr/X-Request-Id.*traceparent/, "$kind: the request's id among them");
        like($said{sample}{'expose-headers'}, qr/Retry-After.*X-Request-Id/, "$kind: in both directions");
    }
    $_->stop for $tells, $silent;
};

subtest 'request ids' => sub {
    my $server = server(log_level => 'info');
    my $trace  = '4bf92f3577b34da6a3ce929d0e0e4736';
    through($server, sub {
        my ($client, $kind) = @_;
        my $id_of = sub {
            my (@headers) = @_;
            my $answer = $client->get('/__version__', headers => [@headers]);
            my $id = $answer->{headers}{'x-request-id'};
            ok(poll(5, sub { index($server->log, "[$id] GET /__version__") >= 0 }), "$kind: $id is in the log");
            return $id;
        };
        is($id_of->('X-Request-Id' => "mine-$kind.1_A"), "mine-$kind.1_A", "$kind: one's own");
        is($id_of->(traceparent => "00-$trace-00f067aa0ba902b7-01"), $trace, "$kind: the trace's");
        is($id_of->('X-Request-Id' => 'a', traceparent => "00-$trace-00f067aa0ba902b7-01"), 'a', "$kind: one's own first");
        is($id_of->(traceparent => "cc-$trace-00f067aa0ba902b7-01-what-comes"), $trace, "$kind: of a later version");
        my %made;
        for my $bad ('x' x 65, 'a b', 'a/b', "a\xe4", 'a"b', '%0a', 'a;b', 'a, b') {
            my $id = $id_of->('X-Request-Id' => $bad);
            like($id, qr/\A[0-9a-f-]+\z/, "$kind: a new one");
            ok(!$made{$id}++, "$kind: each another");
        }
        for my $bad ('00-' . '0' x 32 . '-00f067aa0ba902b7-01', "ff-$trace-00f067aa0ba902b7-01", "00-$trace-00f067aa0ba902b7-01-x",
            "00-$trace-00f067aa0ba902b7", "00-\U$trace\E-00f067aa0ba902b7-01", "00-$trace", '00', '') {
            isnt($id_of->(traceparent => $bad), $trace, "$kind: \"$bad\" is no trace");
        }
        like($client->get('/no/such/path', headers => { 'X-Request-Id' => 'err' })->{headers}{'x-request-id'}, qr/\Aerr\z/, "$kind: errors have it");
        is($client->get('/by-name/testserver1', headers => { 'X-Request-Id' => "again$_" })->{headers}{'x-request-id'}, "again$_", "$kind: kept answers have their own") for 1 .. 3;
    });
};

# Somebody holds a table, or its rows, while $ask->() waits for it: the names of the sessions that
# wait, and what $ask answered.
sub while_held {
    my ($table, $ask) = @_;
    my $hold = $table =~ s/^rows of // ? "select from $table for update" : "lock table $table in access exclusive mode";
    my $release = $postgres->hold($hold);
    ok($release, "somebody holds $table");
    my ($names, $status) = Muster::Client::parallel(2, sub {
        my ($i) = @_;
        return $ask->() if $i;
        my $names;
        poll(10, sub { $names = $postgres->psql("select application_name from pg_stat_activity where wait_event_type = 'Lock'") });
        $release->();
        return $names;
    });
    return ($names, $status);
}

sub none_named { return poll(5, sub { $postgres->psql("select count(*) from pg_stat_activity where application_name like 'muster %'") == 0 }) }

subtest 'in the database: writes, and reads of several statements' => sub {
    my $server = server();
    my $front  = Muster::Front->new(server => $server);
    my $long   = join '-', 'along-one', map { $_ x 10 } 'a' .. 'e';
    is(length $long, 64, 'an id as long as they may be');
    my @ask = (
        [ 'an object', 'entities', 'held-1', DELETE => '/entity/basicserver/testserver2', body => '' ],
        [ 'preferences', 'muster_preferences', 'held-2', PUT => '/preferences/mine', json => {} ],
        [ 'a long id', 'entities', $long, POST => '/entity/pool', form => 'name=long' ],
        [ 'a long id, in a document', 'rows of muster_preferences', $long, POST => '/preferences/mine/a', json => 1 ],
        [ 'an expanded list', 'entities', 'held-3', GET => '/entity/basicserver', headers => { 'Clusto-Mode' => 'expanded' } ],
        [ 'a counted page', 'entities', 'held-4', GET => '/entity/pool', headers => { 'Clusto-Page' => 1 } ],
    );
    for my $case (@ask) {
        my ($what, $table, $id, $method, $path, %option) = @$case;
        $option{headers} = { 'X-User-Id' => 'ann', 'X-Request-Id' => $id, %{ $option{headers} // {} } };
        my $ask = sub { return $front->client(timeout => 25)->request($method, $path, %option)->{status} };
        like($ask->(), qr/^2/, "$what: without a wait");
        my ($names, $status) = while_held($table, $ask);
        is($names, 'muster ' . substr($id, -56), "$what: the connection says whose work it is") or diag $names;
        ok(none_named(), 'and is called muster again');
    }
    $front->stop;
    $server->stop;
};

subtest 'in the database: tag_reads' => sub {
    for my $on (0, 1) {
        my $server = server(tag_reads => $on ? JSON::PP::true : JSON::PP::false, workers => 1, cache_size => 0, log_level => 'debug');
        my $front  = Muster::Front->new(server => $server);
        my %ask    = (
            'an object'  => [ 'entities', '/by-name/testserver1' ],
            'attributes' => [ 'entities', '/attribute/testserver1' ],
            'a list'     => [ 'entities', '/entity/pool' ],
            'a document' => [ 'muster_preferences', '/preferences/mine' ],
        );
        for my $what (sort keys %ask) {
            my ($table, $path) = @{ $ask{$what} };
            my $ask = sub { return $front->client(timeout => 25)->get($path, headers => { 'X-User-Id' => 'ann', 'X-Request-Id' => 'read-17' })->{status} };
            like($ask->(), qr/^(?:200|404)$/, "$what: without a wait");
            my ($names) = while_held($table, $ask);
            is($names, $on ? 'muster read-17' : 'muster', "$what: " . ($on ? 'the connection says whose read it is' : 'by default reads have no name'));
            ok(none_named(), 'and is called muster again');
        }
        my @sent = $server->log =~ /\[read-17\] sql: (\w+)/g;
        is(scalar(grep { $_ eq 'set_name' } @sent) > 0, $on ? 1 : '', $on ? 'the name is sent' : 'and no name is sent');
        $front->stop;
        $server->stop;
    }
};

done_testing();
