# 73-operating.t: health and metrics: /__live__, /__ready__, /__metrics__, and access to them.
use v5.24;
use warnings;
use Test::More;
use Muster::Client;
use Muster::Data qw(load_example);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;

my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => 3 }, start => 0);
load_example($postgres);

# Prometheus' text format, strictly: a sample belongs to the family above it, and is there once.
sub parse {
    my ($text) = @_;
    my (%value, %family, $name, @bad);
    push @bad, 'no newline at the end' if $text !~ /\n\z/;
    for (split /\n/, $text) {
        if (/^# HELP (muster_\w+) (\S.*)$/) { ($name, $family{$1}) = ($1, { help => $2 }) if !$family{$1} or push @bad, "$1 twice" }
        elsif (/^# TYPE (muster_\w+) (counter|gauge|histogram)$/) {
            push @bad, "TYPE of $1 without its HELP" if $1 ne ($name // '');
            $family{$1}{type} = $2;
            push @bad, "$1 is a counter by name only or by type only" if ($2 eq 'counter') != ($1 =~ /_total$/);
        }
        elsif (/^(muster_\w+)((?:\{\w+="[^"\\\n]*"(?:,\w+="[^"\\\n]*")*\})?) (\d+(?:\.\d+)?)$/) {
            my ($sample, $labels, $number) = ($1, $2, $3);
            my $of = $family{$name}{type} eq 'histogram' ? $sample =~ s/_(?:bucket|sum|count)$//r : $sample;
            push @bad, "$sample stands under $name" if $of ne $name;
            push @bad, "$sample$labels twice" if exists $value{"$sample$labels"};
            $value{"$sample$labels"} = $number;
        }
        else { push @bad, "not in the format: $_" }
    }
    is_deeply(\@bad, [], 'it is in the format');
    return \%value;
}

sub metrics {
    my ($client) = @_;
    my $answer = $client->get('/__metrics__');
    is($answer->{status}, 200, '/__metrics__') or diag $answer->{body};
    is($answer->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'its type');
    return parse($answer->{body});
}

# A value that may come a moment later: a request is counted when its answer is out.
sub becomes {
    my ($client, $key, $want, $name) = @_;
    my $got;
    poll(10, sub { ($got) = $client->get('/__metrics__')->{body} =~ /^\Q$key\E (\S+)$/m; defined $got && $got eq $want });
    is($got, $want, $name // "$key is $want");
    return;
}

$server->start;
for my $kind (qw(nginx lighttpd)) {
    my $front  = Muster::Front->new(kind => $kind, server => $server);
    my $client = $front->client;
    subtest "through $kind" => sub {
        is($client->get('/__live__')->{body}, '"alive"', '/__live__');
        # It is ready when half of its workers are.
        ok(poll(15, sub { ($client->get('/__ready__')->{json} // {})->{workers} == 3 }), 'all workers come');
        my $ready = $client->get('/__ready__');
        is($ready->{status}, 200, '/__ready__');
        is_deeply($ready->{json}, { database => JSON::PP::true, timeline => 1, workers => 3, workers_wanted => 3, writable => JSON::PP::true }, 'says what it looked at');
        is($client->head('/__ready__')->{status}, 200, 'HEAD too');
        is($client->request(POST => '/__ready__', body => '')->{status}, 405, 'nothing else');
        my $before = metrics($client);
        is($client->get('/by-name/testserver1')->{status}, 200, 'an object') for 1 .. 4;
        is($client->get('/by-name/nobody')->{status}, 404, 'none');
        is($client->get('/no/such/path')->{status}, 404, 'no path');
        is($client->request(PUT => '/driverlist', body => '')->{status}, 405, 'no method');
        is($client->post("/entity/pool", form => "name=$kind")->{status}, 201, 'a write');
        is($client->post("/resource/simpleentitynamemanager/testnames", form => 'driver=basicserver')->{status}, 201, 'by the second path of the managers');
        my $get  = sub { my ($key) = @_; return $before->{$key} // 0 };
        my $more = sub { my ($key, $n, $name) = @_; becomes($client, $key, $get->($key) + $n, $name) };
        $more->('muster_requests_total{route="GET /by-name/{name}",status="200"}', 4, 'four by name');
        $more->('muster_requests_total{route="GET /by-name/{name}",status="404"}', 1, 'one of them missing');
        $more->('muster_requests_total{route="none",status="404"}', 1, 'a path that is not there');
        $more->('muster_requests_total{route="none",status="405"}', 1, 'a method that is not there');
        $more->('muster_requests_total{route="POST /entity/{driver}",status="201"}', 1, 'a write');
        $more->('muster_requests_total{route="POST /resourcemanager/{driver}/{name}",status="201"}', 1, 'one route, whatever its path');
        $more->('muster_request_seconds_count{mount="/entity/"}', 1, 'one time of objects');
        my $after = metrics($client);
        cmp_ok($after->{'muster_cache_served_total'}, '>', $get->('muster_cache_served_total'), 'some were kept');
        cmp_ok($after->{'muster_cache_stored_total'}, '>', $get->('muster_cache_stored_total'), 'after they had been made') if $kind eq 'nginx';
        cmp_ok($after->{'muster_cache_missed_total'}, '>', $get->('muster_cache_missed_total'), 'and missed');
        cmp_ok($after->{'muster_request_seconds_sum{mount="/"}'}, '>', $get->('muster_request_seconds_sum{mount="/"}'), 'time went by');
        for my $mount (qw(/ /entity/)) {
            my $last = 0;
            for my $le (sort { ($a eq '+Inf') <=> ($b eq '+Inf') || ($a =~ /I/ ? 0 : $a <=> $b) } map { /^muster_request_seconds_bucket\{mount="\Q$mount\E",le="(.*)"\}/ ? $1 : () } keys %$after) {
                my $n = $after->{"muster_request_seconds_bucket{mount=\"$mount\",le=\"$le\"}"};
                cmp_ok($n, '>=', $last, "$mount: up to $le seconds: no fewer");
                $last = $n;
            }
            is($last, $after->{"muster_request_seconds_count{mount=\"$mount\"}"}, "$mount: the last one has them all");
        }
        is($after->{'muster_workers_wanted'}, 3, 'workers that there should be');
        is($after->{'muster_workers{state="busy"}'} + $after->{'muster_workers{state="idle"}'}, 3, 'and are');
        cmp_ok($after->{'muster_workers{state="busy"}'}, '>=', 1, 'one of them is answering this');
        cmp_ok(abs($after->{'muster_start_time_seconds'} - time), '<', 300, 'when it was started');
    };
    $front->stop;
}

my $front  = Muster::Front->new(server => $server);
my $client = $front->client;

subtest 'all workers count together' => sub {
    my $before = metrics($client);
    my $key    = 'muster_requests_total{route="GET /driverlist",status="200"}';
    my @ok     = Muster::Client::parallel(4, sub {
        my $own = $front->client(keep_alive => 1);
        return scalar grep { $own->get('/driverlist')->{status} == 200 } 1 .. 100;
    });
    is_deeply(\@ok, [ (100) x 4 ], '400 requests at once');
    becomes($client, $key, ($before->{$key} // 0) + 400, 'not one is missing');
};

subtest 'a worker dies' => sub {
    my $before = metrics($client);
    my ($victim) = $server->workers(3);
    kill 'KILL', $victim;
    becomes($client, 'muster_workers_died_total', $before->{'muster_workers_died_total'} + 1, 'it is counted');
    becomes($client, 'muster_workers_started_total', $before->{'muster_workers_started_total'} + 1, 'as is another');
    ok(poll(10, sub { ($client->get('/__ready__')->{json} // {})->{workers} == 3 }), 'and all are there again');
    # A worker that dies during a request is not counted as busy.
    ok(poll(10, sub { $client->get('/__metrics__')->{body} =~ /^muster_workers\{state="busy"\} 1$/m }), 'only who answers is busy');
};

subtest 'the configuration is read again' => sub {
    my $before = metrics($client);
    $server->write_conf(workers => 2);
    $server->signal('HUP');
    ok($server->wait_log(qr/the configuration was read again/), 'told');
    becomes($client, 'muster_workers_wanted', 2, 'two workers now');
    ok(poll(15, sub { ($client->get('/__ready__')->{json} // {})->{workers} == 2 }), 'and no more');
    my $after = metrics($client);
    cmp_ok($after->{'muster_requests_total{route="GET /driverlist",status="200"}'}, '>=', $before->{'muster_requests_total{route="GET /driverlist",status="200"}'}, 'nothing counted is lost');
    is($after->{'muster_workers_died_total'}, $before->{'muster_workers_died_total'}, 'a worker that was told to end did not die');
};

subtest 'the database is unreachable' => sub {
    my $before = metrics($client);
    $postgres->stop('immediate');
    my $answer = $client->get('/__ready__');
    is($answer->{status}, 503, '/__ready__ says so');
    ok(!$answer->{json}{database}, 'and why');
    ok($answer->{headers}{'retry-after'}, 'and to come back');
    is($client->get('/__live__')->{status}, 200, '/__live__ does not care');
    is($client->get('/by-name/testserver2')->{status}, 503, 'requests fail');
    my $after = metrics($client);
    cmp_ok($after->{'muster_database_errors_total{kind="connection"}'}, '>', $before->{'muster_database_errors_total{kind="connection"}'}, 'which is counted');
    $postgres->start;
    ok(poll(10, sub { $client->get('/__ready__')->{status} == 200 }), 'ready again');
};

subtest 'retries are counted' => sub {
    # A serialisation failure is a reason to run the request again; a connection that was lost while
    # it was idle is replaced before.
    my $before = metrics($client);
    $postgres->psql("select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'muster'");
    is($client->get("/by-names?name=testserver$_")->{status}, 200, 'answered all the same') for 1, 2;
    $postgres->psql(q{create sequence tries; create function fail_once() returns trigger language plpgsql as
        'begin if nextval(''tries'') = 1 then raise exception using errcode = ''40001''; end if; return new; end';
        create trigger fail_once before insert on entity_attrs for each row when (new.key = 'tried') execute function fail_once()});
    is($client->put('/attribute/testserver2/tried', form => { value => 'x' })->{status}, 200, 'a write that met another is not told the client');
    is($postgres->psql('select last_value from tries'), 2, 'it ran twice');
    my $after = metrics($client);
    cmp_ok($after->{'muster_retries_total'}, '>', $before->{'muster_retries_total'}, 'but counted');
};
$front->stop;
$server->stop;

subtest 'access' => sub {
    my $edit = sub {
        my ($text) = @_;
        $text =~ s/(fastcgi_param REMOTE_ADDR +)\$remote_addr/$1\$http_test_addr/ or die;
        $text =~ s/(fastcgi_param REMOTE_USER +)""/$1\$http_test_user/ or die;
        return $text;
    };
    my $closed = Muster::Server->new(postgres => $postgres, schema => 0, conf => {
        monitor_networks => [ '192.0.2.0/24', 'unix' ],
        access => [ { who => 'boss', roles => 'admin' }, { who => 'reader', roles => [ 'read', 'write', 'allocate' ] },
            { who => 'half', roles => 'admin', mounts => 'entity' } ],
    });
    my $front = Muster::Front->new(server => $closed, edit => $edit);
    my $ask = sub {
        my ($from, $who, $path) = @_;
        return $front->client->get($path, headers => { 'Test-Addr' => $from, defined $who ? ('Test-User' => $who) : () })->{status};
    };
    for my $path (qw(/__live__ /__ready__ /__metrics__)) {
        is($ask->('192.0.2.9', undef, $path), 200, "$path: from a network that may");
        is($ask->('unix:', undef, $path), 200, "$path: from a Unix socket");
        is($ask->('10.0.0.1', undef, $path), 401, "$path: from elsewhere");
        is($ask->('', undef, $path), 401, "$path: from an unknown address");
        is($ask->('10.0.0.1', 'reader', $path), 403, "$path: reading is not enough");
        is($ask->('10.0.0.1', 'half', $path), 403, "$path: nor is admin of something else");
        is($ask->('10.0.0.1', 'boss', $path), 200, "$path: admin");
    }
    is($ask->('192.0.2.9', undef, '/__version__'), 401, 'such a network may do nothing else');
    $front->stop;
    $closed->stop;
};

subtest 'preferences alone' => sub {
    my $alone = Muster::Server->new(postgres => $postgres, schema => 0, conf => { mounts => { preferences => '/' } });
    my $front = Muster::Front->new(server => $alone);
    my $client = $front->client;
    is($client->get('/__ready__')->{status}, 200, '/__ready__ is there');
    is($client->put('/mine', json => { a => 1 }, headers => { 'X-User-Id' => 'ann' })->{status}, 201, 'beside documents');
    becomes($client, 'muster_requests_total{route="PUT /preferences/{container}",status="201"}', 1, 'which are counted');
    for my $path (map { "/__${_}__/x" } qw(doc live metrics ready)) {
        my $answer = $client->post($path, json => 1, headers => { 'X-User-Id' => 'ann' });
        is($answer->{status}, 400, "$path would make a container that could not be read");
        like($answer->{json}, qr/is reserved/, 'and this is said');
    }
    is($client->get('/__metrics__/x')->{status}, 401, 'a path below is a document\'s');
    $front->stop;
    $alone->stop;
};

subtest 'one request by --once' => sub {
    my $once = Muster::Server->new(postgres => $postgres, schema => 0, start => 0);
    like($once->once(GET => '/__metrics__')->{out}, qr/^muster_info\{version="[\d.]+(?:[~+]\d+\.g[0-9a-f]+)?"\} 1$/m, 'has nothing to count');
    like($once->once(GET => '/__ready__')->{out}, qr/\AStatus: 200/, 'and is ready');
};

done_testing();
