# 10-front.t: every GET, HEAD and OPTIONS example of the API's text, byte for byte, through each front
# server; TLS and cross-origin requests.
use v5.24;
use warnings;
use Test::More;
use Muster::Front;
use Muster::Postgres;
use Muster::Data;
use Muster::Process qw(run which);
use Muster::Server;

my $server1 = <<'END';
{
    "attrs": [
        {
            "datatype": "string",
            "key": "key1",
            "number": null,
            "subkey": "subkey1",
            "value": "value1"
        }
    ],
    "contents": [],
    "driver": "basicserver",
    "ips": [],
    "name": "testserver1",
    "parents": [
        "/pool/singlepool",
        "/pool/multipool"
    ]
}
END

my $server2 = <<'END';
{
    "attrs": [
        {
            "datatype": "string",
            "key": "key1",
            "number": null,
            "subkey": "subkey2",
            "value": "value2"
        }
    ],
    "contents": [],
    "driver": "basicserver",
    "ips": [],
    "name": "testserver2",
    "parents": [
        "/pool/multipool"
    ]
}
END

# A list as it is printed: every member one level in.
sub list_of {
    my @members = map { chomp(my $text = $_); $text =~ s/^/    /gmr } @_;
    return "[\n" . join(",\n", @members) . "\n]";
}

my $both = list_of($server1, $server2);
my $json = 'application/json';
my $html = 'text/html; charset=UTF-8';

my %drivers = (
    basicappliance          => 'devices.appliance.basicappliance.BasicAppliance',
    basiccage               => 'locations.datacenters.basiccage.BasicCage',
    basicconsoleserver      => 'devices.consoleservers.basicconsoleserver.BasicConsoleServer',
    basicdatacenter         => 'locations.datacenters.basicdatacenter.BasicDatacenter',
    basicnetworkswitch      => 'devices.networkswitches.basicnetworkswitch.BasicNetworkSwitch',
    basicpowerstrip         => 'devices.powerstrips.basicpowerstrip.BasicPowerStrip',
    basicrack               => 'locations.racks.basicrack.BasicRack',
    basicserver             => 'devices.servers.basicserver.BasicServer',
    basicvirtualserver      => 'devices.servers.basicserver.BasicVirtualServer',
    basiczone               => 'locations.zones.basiczone.BasicZone',
    clustometa              => 'base.clustometa.ClustoMeta',
    device                  => 'base.device.Device',
    entity                  => 'base.driver.Driver',
    exclusive_pool          => 'categories.pool.ExclusivePool',
    ipmanager               => 'resourcemanagers.ipmanager.IPManager',
    location                => 'base.location.Location',
    pool                    => 'categories.pool.Pool',
    resourcemanager         => 'base.resourcemanager.ResourceManager',
    simpleentitynamemanager => 'resourcemanagers.simplenamemanager.SimpleEntityNameManager',
    simplenamemanager       => 'resourcemanagers.simplenamemanager.SimpleNameManager',
    unique_pool             => 'categories.pool.UniquePool',
);
my $driverlist = "{\n" . join(",\n", map { qq(    "$_": "clusto.drivers.$drivers{$_}") } sort keys %drivers) . "\n}";

# method, target, headers, status, type, body: text is compared byte by byte, a pattern is matched.
# A target of [path, parameters] is asked twice: with the parameters in the query and in a body.
my @examples = (
    [ GET => '/favicon.ico',  {}, 410, $html, '' ],
    [ GET => '/__doc__',      { Accept => 'text/html' }, 200, $html, qr/\A<\?xml version="1\.0" encoding="utf-8" \?>\n/ ],
    [ GET => '/',             { Accept => 'text/html' }, 200, $html, qr/\A<\?xml version="1\.0" encoding="utf-8" \?>\n/ ],
    [ GET => '/__doc__',      { Accept => 'text/plain' }, 200, 'text/plain', qr/\A(?!<\?xml).*clusto/si ],
    [ GET => '/__version__',  {}, 200, $json, qr/\A"\d+\.\d+[.\d]*(?:[~+]\d+\.g[0-9a-f]+)?"\z/ ],
    [ HEAD => '/',            {}, 200, $json, '' ],
    [ GET => '/__meta__',     {}, 200, $json, qr/"\/entity": "clustoapi\.apps\.entity"/ ],
    [ GET => '/driverlist',   {}, 200, $json, $driverlist ],

    [ GET => '/by-attr', {}, 412, $json, '"Provide a key to use get_by_attr"' ],
    [ GET => [ '/by-attr', 'key=nonkey' ], {}, 200, $json, '[]' ],
    [ GET => [ '/by-attr', 'key=key1&subkey=subkey1&value=value1' ], {}, 200, $json, list_of('"/basicserver/testserver1"') ],
    [ GET => [ '/by-attr', 'key=key1' ], { 'Clusto-Mode' => 'expanded' }, 200, $json, $both ],

    [ GET => '/by-name/nonserver', {}, 404, $json, '"Object \"nonserver\" not found (nonserver does not exist.)"' ],
    [ GET => '/by-name/testserver1', { 'Clusto-Mode' => 'compact' }, 200, $json, '"/basicserver/testserver1"' ],
    [ GET => '/by-name/testserver1', {}, 200, $json, $server1 =~ s/\n\z//r ],
    [ GET => [ '/by-name/testserver1', 'driver=pool' ], {}, 409, $json, '"The driver for object \"testserver1\" is not \"pool\""' ],
    [ GET => [ '/by-name/testserver1', 'driver=nondriver' ], {}, 412, $json, '"The driver \"nondriver\" is not a valid driver"' ],

    [ GET => '/by-names', {}, 412, $json, '"Provide at least one name to get data from"' ],
    [ GET => [ '/by-names', 'name=nonserver' ], {}, 404, $json, list_of('null') ],
    [ GET => [ '/by-names', 'name=testserver1&name=nonserver' ], {}, 206, $json, list_of('"/basicserver/testserver1"', 'null') ],
    [ GET => [ '/by-names', 'name=testserver1&name=testserver2' ], { 'Clusto-Mode' => 'expanded' }, 200, $json, $both ],
    [ GET => [ '/by-names', 'name=nonserver1&name=nonserver2' ], {}, 404, $json, list_of('null', 'null') ],

    [ GET => '/from-pools', {}, 412, $json, '"Provide at least one pool to get data from"' ],
    [ GET => [ '/from-pools', 'pool=emptypool' ], { 'Clusto-Page' => 'notanint' }, 400, $json, q("invalid literal for int() with base 10: 'notanint'") ],
    [ GET => [ '/from-pools', 'pool=emptypool' ], {}, 200, $json, '[]' ],
    [ GET => [ '/from-pools', 'pool=singlepool&pool=multipool' ], {}, 200, $json, list_of('"/basicserver/testserver1"') ],
    [ GET => [ '/from-pools', 'pool=multipool' ], { 'Clusto-Mode' => 'expanded' }, 200, $json, $both ],
    [ GET => [ '/from-pools', 'pool=multipool' ], { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 1 }, 200, $json, list_of('"/basicserver/testserver1"') ],
    [ GET => [ '/from-pools', 'pool=multipool' ], { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 100 }, 200, $json,
        list_of('"/basicserver/testserver1"', '"/basicserver/testserver2"') ],
    [ GET => [ '/from-pools', 'pool=multipool' ], { 'Clusto-Page' => 100, 'Clusto-Per-Page' => 100 }, 200, $json, '[]' ],
    [ GET => [ '/from-pools', 'pool=multipool' ], { 'Clusto-Minify' => 'True' }, 200, $json, '["/basicserver/testserver1", "/basicserver/testserver2"]' ],

    [ OPTIONS => '/',                               {}, 204, undef, '' ],
    [ OPTIONS => '/return/headers/no/matter/where', {}, 204, undef, '' ],
    [ OPTIONS => '/entity/',                        {}, 204, undef, '' ],
    [ OPTIONS => '/attribute/who/knows/where',      {}, 204, undef, '' ],
);

# What the text leaves open, and a front server can spoil: paths.
my @paths = (
    [ GET => '/no/such/path',             {}, 404, $json, qr/\A".*"\z/ ],
    [ GET => '/by-name/a%2Fb',            {}, 404, $json, '"Object \"a/b\" not found (a/b does not exist.)"' ],
    [ GET => '/by-name/a%20b%3Fc%25d',    {}, 404, $json, '"Object \"a b?c%d\" not found (a b?c%d does not exist.)"' ],
    [ GET => '/by-name/%C3%A4',           {}, 404, $json, qq("Object \\"\xc3\xa4\\" not found (\xc3\xa4 does not exist.)") ],
    [ GET => '/by-name/%ff',              {}, 400, $json, qr/\A".*"\z/ ],
    [ GET => '/by-name/a%0Ab',            {}, 404, $json, '"Object \"a\\nb\" not found (a\\nb does not exist.)"' ],
    [ GET => '/by-attr?key=key1&value=a%0Ab', {}, 200, $json, '[]' ],
    [ GET => '/by-names?name=a%00b',      {}, 400, $json, qr/\A".*"\z/ ],
    [ GET => '/entity/pool/emptypool/',   {}, 200, $json, qr/"name": "emptypool"/ ],
    [ GET => '/entity/?driver=pool',      {}, 200, $json, list_of('"/pool/emptypool"', '"/pool/singlepool"', '"/pool/multipool"') ],
    [ PUT => '/driverlist',               {}, 405, $json, qr/\A".*"\z/ ],
);

my $postgres = Muster::Postgres->new;

sub like_printed {
    my ($client, $name, $example, $how) = @_;
    my ($method, $target, $headers, $status, $type, $body) = @$example;
    my %option = (headers => $headers);
    if (ref $target) {
        ($target, my $form) = @$target;
        if ($how eq 'body') { $option{form} = $form }
        else                { $target .= "?$form" }
        $name .= " ($form in the $how)";
    }
    my $answer = $client->request($method, $target, %option);
    is $answer->{status}, $status, "$name: status" or diag $answer->{error} // $answer->{body};
    is $answer->{headers}{'content-type'}, $type, "$name: type";
    ok $answer->{complete}, "$name: whole";
    if (ref $body) { like $answer->{body}, $body, "$name: body" }
    else           { is $answer->{body}, $body, "$name: body" }
    return $answer;
}

sub examples_through {
    my ($client) = @_;
    for my $example (@examples, @paths) {
        my $target = $example->[1];
        for my $how (ref $target ? qw(query body) : 'query') {
            my $name = "$example->[0] " . (ref $target ? $target->[0] : $target);
            like_printed($client, $name, $example, $how);
        }
    }
    my $one = $client->get('/from-pools?pool=multipool', headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 1 });
    is_deeply [ @{ $one->{headers} }{qw(clusto-page clusto-per-page clusto-pages clusto-minify)} ],
        [ 1, 1, 2, 'False' ], 'page headers';
    is $client->get('/', headers => { Accept => 'text/plain' })->{body},
        $client->get('/__doc__', headers => { Accept => 'text/plain' })->{body}, '/ and /__doc__ are equal';
    is $client->head('/by-name/testserver1')->{body}, '', 'HEAD has no body';
    is $client->put('/driverlist', body => '')->{headers}{allow}, 'GET, HEAD, OPTIONS', '405 says what is allowed';
    is $client->options('/driverlist')->{headers}{allow}, 'GET, HEAD, OPTIONS', 'OPTIONS too';
    return;
}

my %fronts = (
    'nginx'              => [ undef,        { kind => 'nginx', workers => 2 } ],
    'lighttpd'           => [ undef,        { kind => 'lighttpd' } ],
    'spawn-fcgi + nginx' => [ 'spawn-fcgi', { kind => 'nginx' } ],
    'lighttpd bin-path'  => [ 'front',      { kind => 'lighttpd', bin_path => 1 } ],
);

my $loaded;
for my $name ('nginx', 'lighttpd', 'spawn-fcgi + nginx', 'lighttpd bin-path') {
    subtest "through $name" => sub {
        my ($via, $option) = @{ $fronts{$name} };
        plan skip_all => 'spawn-fcgi is not installed (Debian: spawn-fcgi)' if ($via // '') eq 'spawn-fcgi' && !which('spawn-fcgi');
        my $muster = Muster::Server->new(postgres => $postgres, via => $via);
        Muster::Data::load_example($postgres) unless $loaded++;
        my $front = Muster::Front->new(server => $muster, %$option);
        examples_through($front->client);
        $front->stop;
        is $muster->stop, 0, 'muster ends' unless $via && $via eq 'front';
    };
}

subtest 'TLS' => sub {
    my $muster = Muster::Server->new(postgres => $postgres);
    for my $kind (qw(nginx lighttpd)) {
        my $front = Muster::Front->new(server => $muster, kind => $kind, tls => 1);
        my $got = run([ which('curl'), '-sS', '--cacert', $front->ca_file, '-w', ' %{http_code} %{content_type}',
            $front->tls_url . '/by-names?name=nonserver' ]);
        is $got->{out}, list_of('null') . " 404 $json", "$kind over TLS" or diag $got->{err};
        $got = run([ which('curl'), '-sS', $front->tls_url . '/__version__' ]);
        isnt $got->{status}, 0, "$kind: the certificate is looked at";
        $front->stop;
    }
    $muster->stop;
};

subtest 'cross-origin requests' => sub {
    my $origin = [ '-H', 'Origin: https://pages.example.org' ];
    my $ask    = sub {
        my ($front, $path, @args) = @_;
        my $text  = run([ which('curl'), '-sS', '-i', @args, $front->url . $path ])->{out};
        my @lines = split /\r?\n/, $text =~ s/\r?\n\r?\n.*//sr;
        my %found;
        for (@lines) { push @{ $found{ lc $1 } }, $2 if /^(Access-Control-\S+): (.*)/i }
        return (($lines[0] // '') =~ / (\d+)/ ? $1 : 0, \%found);
    };
    my $open  = 'access-control-allow-origin';
    my $plain = Muster::Server->new(postgres => $postgres);
    my $tells = Muster::Server->new(postgres => $postgres, conf => { response_headers => ['Access-Control-Allow-Origin: *'] });
    for my $kind (qw(nginx lighttpd)) {
        my $front = Muster::Front->new(server => $plain, kind => $kind);
        my ($status, $found) = $ask->($front, '/by-name/testserver1', @$origin);
        is_deeply [ $status, $found->{$open} ], [ 200, ['*'] ], "$kind: any page may read";
        like "@{ $found->{'access-control-expose-headers'} // [] }", qr/Clusto-Pages/, "$kind: and its headers";
        ($status, $found) = $ask->($front, '/by-name/none', @$origin);
        is_deeply [ $status, $found->{$open} ], [ 404, ['*'] ], "$kind: errors too";
        ($status, $found) = $ask->($front, '/entity/pool', '-X', 'OPTIONS', @$origin, '-H', 'Access-Control-Request-Method: POST');
        is_deeply [ $status, $found->{$open} ], [ 204, ['*'] ], "$kind: preflight";
        like "@{ $found->{'access-control-allow-methods'} // [] }", qr/DELETE/,      "$kind: methods";
        like "@{ $found->{'access-control-allow-headers'} // [] }", qr/Clusto-Mode/, "$kind: headers";
        ($status, $found) = $ask->($front, '/by-name/testserver1');
        is_deeply [ $status, $found ], [ 200, {} ], "$kind: nothing where no page asks";
        $front->stop;

        $front = Muster::Front->new(server => $tells, kind => $kind, cors => $kind eq 'nginx');
        for my $path ('/by-name/testserver1', '/entity/nondriver', '/no/such/path', '/favicon.ico') {
            (undef, $found) = $ask->($front, $path, @$origin);
            is_deeply $found->{$open}, ['*'], "$kind: $path: the program's header, once";
        }
        ($status, $found) = $ask->($front, '/', '-X', 'OPTIONS');
        is_deeply [ $status, $found->{$open} ], [ 204, ['*'] ], "$kind: the program's header on OPTIONS";
        $front->stop;
    }
    # Preferences have a Vary of their own.
    my $lists = Muster::Server->new(postgres => $postgres, conf => { cors_origins => ['https://b.example'] });
    my @user  = ('-H', 'X-User-Id: u');
    my $front = Muster::Front->new(server => $plain);
    my ($status, $found) = $ask->($front, '/preferences/', @$origin, @user);
    is_deeply [ $status, $found->{$open} ], [ 200, ['*'] ], 'nginx: any page may read preferences';
    $front->stop;
    $front = Muster::Front->new(server => $lists);
    for my $path ('/preferences/', '/by-name/testserver1') {
        ($status, $found) = $ask->($front, $path, @$origin, @user);
        is_deeply [ $status, $found->{$open} ], [ 200, undef ], "nginx: $path: not a page that is not listed";
        ($status, $found) = $ask->($front, $path, '-H', 'Origin: https://b.example', @user);
        is_deeply [ $status, $found->{$open} ], [ 200, ['https://b.example'] ], "nginx: $path: a page that is listed";
    }
    $front->stop;
    $_->stop for $plain, $tells, $lists;
};

subtest 'what the samples answer themselves' => sub {
    my $muster = Muster::Server->new(postgres => $postgres);
    my $front  = Muster::Front->new(server => $muster);
    my $answer = $front->client->post('/entity/pool', body => 'x' x (3 * 1024 * 1024), type => 'text/plain');
    is $answer->{status}, 413, 'a body that is far too large';
    is $answer->{json}, 'The request body is too large.', 'in JSON';
    $muster->stop;
    $answer = $front->client->get('/__version__');
    is $answer->{status}, 503, 'no program';
    is $answer->{headers}{'retry-after'}, 2, 'come back later';
    like $answer->{json}, qr/not available/, 'in JSON';
    is $answer->{headers}{'access-control-expose-headers'}, undef, 'and nothing for pages where none asks';
    $answer = $front->client->post('/entity/pool', form => 'name=x', headers => { Origin => 'https://a.example' });
    is $answer->{headers}{'access-control-allow-origin'}, '*', 'a page may read it';
    is $answer->{headers}{'access-control-expose-headers'}, 'Clusto-Outcome, Retry-After', 'with what it has to know';
    $muster->start;
    is $front->client->get('/__version__')->{status}, 200, 'there again';
    $front->stop;
    $muster->stop;
};

subtest 'authentication' => sub {
    my $muster = Muster::Server->new(postgres => $postgres);
    my $front  = Muster::Front->new(server => $muster, identity => 'basic');
    is $front->client->get('/__version__')->{status}, 401, 'anonymous';
    is $front->client(user => 'alice', password => 'wrong')->get('/__version__')->{status}, 401, 'a wrong password';
    is $front->client(user => 'alice', password => 'secret')->get('/by-name/multipool')->{status}, 200, 'alice';
    ok $muster->wait_log(qr{/by-name/multipool.*\balice\b}), 'the log names her';
    $front->stop;
    $front = Muster::Front->new(server => $muster, identity => 'sample');
    is $front->client(user => 'mallory', password => 'x')->get('/by-name/singlepool')->{status}, 200, 'an unchecked claim';
    ok $muster->wait_log(qr{/by-name/singlepool}), 'is logged';
    unlike $muster->log, qr/mallory/, 'without the name';
    $front->stop;
    $muster->stop;
};

done_testing;
