# 75-limits.t: every limit on what comes from outside, set low, on both sides of it, through nginx and
# lighttpd; and a client that is slow, or disconnects, delays no one else.
use v5.24;
use warnings;
use utf8;
use JSON::PP ();
use Muster::Client qw(parallel uri_encode);
use Muster::Data qw(load_many);
use Muster::Fastcgi qw(begin_request connect_to read_all record);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $slow = $ENV{MUSTER_SLOW} // 1;

# Two lines below each other: at the limit, and over it.
my %conf = (
    workers           => 2,
    body_limit        => 4000,
    body_timeout      => 700 * $slow,
    send_timeout      => 700 * $slow,
    max_params        => 10,
    max_param_bytes   => 1500,
    max_path_bytes    => 1800,
    max_path_segments => 8,
    json_depth        => 5,
    json_values       => 50,
    json_exponent     => 20,
    json_key_bytes    => 100,
    json_number_characters    => 40,
    max_key_characters        => 60,
    max_name_characters       => 50,
    max_param_name_bytes      => 70,
    preferences_path_segments => 5,
    per_page          => 3,
    max_per_page      => 5,
    max_repeated_rows => 12,
    statement_timeout => 600 * $slow,
    lock_timeout      => 0,
    cache_size        => 0,
    log_level         => 'warning',
);

my $postgres = Muster::Postgres->new;
my $muster   = Muster::Server->new(postgres => $postgres, conf => \%conf);
Muster::Data::load_example($postgres);
my @before = $muster->workers(2);

# A slow sender is to reach the program itself, past the buffers that the samples have.
my %direct = (
    nginx    => sub { $_[0] =~ s/fastcgi_request_buffering on;/fastcgi_request_buffering off;/r },
    lighttpd => sub { $_[0] =~ s/(server\.stream-request-body\s*:?=) 0/$1 2/r },
);

my %front = map { $_ => Muster::Front->new(server => $muster, kind => $_) } qw(nginx lighttpd);

sub padded { my ($text, $length) = @_; return $text . ' ' x ($length - length $text) }
sub preferences { return (headers => { 'X-User-Id' => 'limits' }, @_) }
sub attribute { my ($value) = @_; return (body => qq({"key": "k", "value": $value}), type => 'application/json') }
sub document { return preferences(body => qq({"a":$_[0]})) }
sub json_patch { return (headers => { 'X-User-Id' => 'limits' }, body => qq([{"op":"add","path":"/$_[0]","value":1}]), type => 'application/json-patch+json') }
sub named { return 's' x $_[0] }
sub form { return (body => $_[0], type => 'application/x-www-form-urlencoded') }

# Name; the request at the limit as method, path, options; the same over it; the statuses of both,
# and what the second one says.
my @limits = (
    [
        'body',
        [ POST => '/attribute/testserver1', body => padded('{"key": "k", "value": 1}', 4000), type => 'application/json' ],
        [ POST => '/attribute/testserver1', body => padded('{"key": "k", "value": 1}', 4001), type => 'application/json' ],
        201, 413, qr/larger than 4000 bytes/,
    ],
    [
        'body without a length',
        [ POST => '/preferences/c', preferences(chunks => [ padded('{"a":', 1000), padded('1}', 3000) ]) ],
        [ POST => '/preferences/c', preferences(chunks => [ padded('{"a":', 1000), padded('1}', 3001) ]) ],
        204, 413, qr/larger than 4000 bytes/,
    ],
    [
        'parameters in a query',
        [ GET => '/by-names?' . join '&', ('name=testserver1') x 10 ],
        [ GET => '/by-names?' . join '&', ('name=testserver1') x 11 ],
        200, 414, qr/More than 10 parameters/,
    ],
    [
        'parameters in a query and a form',
        [ GET => '/by-names?' . join('&', ('name=testserver1') x 4), form(join '&', ('name=testserver1') x 6) ],
        [ GET => '/by-names?' . join('&', ('name=testserver1') x 4), form(join '&', ('name=testserver1') x 7) ],
        200, 413, qr/More than 10 parameters/,
    ],
    [
        'a parameter',
        [ POST => '/attribute/testserver1', form('key=k&value=' . 'x' x 1500) ],
        [ POST => '/attribute/testserver1', form('key=k&value=' . 'x' x 1501) ],
        201, 413, qr/value of more than 1500 bytes/,
    ],
    [
        'a parameter that is encoded',
        [ POST => '/attribute/testserver1', form('key=k&value=' . '%78' x 1295 . 'x' x 101) ],
        [ POST => '/attribute/testserver1', form('key=k&value=' . '%78' x 1000 . 'x' x 501) ],
        201, 413, qr/value of more than 1500 bytes/,
    ],
    [
        'the name of a parameter',
        [ POST => '/entity/pool', form('x' x 70 . '=1') ],
        [ POST => '/entity/pool', form('x' x 71 . '=1') ],
        412, 413, qr/name of more than 70 bytes/,
    ],
    [
        'the name of a part',
        [ POST => '/entity/pool', multipart([ 'x' x 70, 1 ]) ],
        [ POST => '/entity/pool', multipart([ 'x' x 71, 1 ]) ],
        412, 413, qr/name of more than 70 bytes/,
    ],
    [
        'parts of a multipart body',
        [ GET => '/by-names', multipart(map { [ name => 'testserver1' ] } 1 .. 10) ],
        [ GET => '/by-names', multipart(map { [ name => 'testserver1' ] } 1 .. 11) ],
        200, 413, qr/More than 10 parameters/,
    ],
    [ 'path', [ GET => '/by-name/' . 'a' x 1791 ], [ GET => '/by-name/' . 'a' x 1792 ], 404, 414, qr/path is too long/ ],
    [ 'path that is encoded', [ GET => '/by-name/' . '%C3%A9' x 895 ], [ GET => '/by-name/' . '%C3%A9' x 896 ], 404, 414, qr/path is too long/ ],
    [ 'segments', [ GET => '/nothing' . '/a' x 7 ], [ GET => '/nothing' . '/a' x 8 ], 404, 414, qr/path is too long/ ],
    [ 'segments of a place', [ GET => '/preferences/c' . '/a' x 4, preferences() ], [ GET => '/preferences/c' . '/a' x 5, preferences() ], 404, 400, qr/more than 5 segments/ ],
    [ 'segments of a pointer', [ GET => '/preferences/c?pointer=' . '/a' x 4, preferences() ], [ GET => '/preferences/c?pointer=' . '/a' x 5, preferences() ], 404, 400, qr/more than 5 segments/ ],
    [ 'depth of JSON in an attribute', [ POST => '/attribute/testserver1', attribute('[[[[]]]]') ], [ POST => '/attribute/testserver1', attribute('[[[[[]]]]]') ], 201, 400, qr/nested deeper than 5 levels/ ],
    [
        'depth of JSON as a parameter',
        [ POST => '/attribute/testserver1', form('key=k&datatype=json&value=[[[[[]]]]]') ],
        [ POST => '/attribute/testserver1', form('key=k&datatype=json&value=[[[[[[]]]]]]') ],
        201, 400, qr/nested deeper than 5 levels/,
    ],
    [ 'depth of a document', [ PUT => '/preferences/c', preferences(body => '{"a":[[[[]]]]}') ], [ PUT => '/preferences/c', preferences(body => '{"a":[[[[[]]]]]}') ], '20[14]', 400, qr/nested deeper than 5 levels/ ],
    [ 'depth of a document by a path', [ POST => '/preferences/deep/a/b', preferences(body => '[[[]]]') ], [ POST => '/preferences/deep/a/b', preferences(body => '[[[[]]]]') ], 204, 400, qr/The result would be nested more than 5 levels/ ],
    [ 'values in JSON', [ PUT => '/preferences/c', preferences(body => '{"a":[' . join(',', (0) x 48) . ']}') ], [ PUT => '/preferences/c', preferences(body => '{"a":[' . join(',', (0) x 49) . ']}') ], '20[14]', 400, qr/more than 50 values/ ],
    [ 'values of an attribute', [ POST => '/attribute/testserver1', attribute('[' . join(',', (0) x 47) . ']') ], [ POST => '/attribute/testserver1', attribute('[' . join(',', (0) x 48) . ']') ], 201, 400, qr/more than 50 values/ ],
    [ 'a number', [ PUT => '/preferences/c', document('9' x 40) ], [ PUT => '/preferences/c', document('9' x 41) ], '20[14]', 400, qr/number longer than 40/ ],
    [ 'an exponent', [ PUT => '/preferences/c', document('1e20') ], [ PUT => '/preferences/c', document('1e21') ], '20[14]', 400, qr/exponent beyond \+-20/ ],
    [ 'an exponent below 0', [ PUT => '/preferences/c', document('1e-20') ], [ PUT => '/preferences/c', document('1e-21') ], '20[14]', 400, qr/exponent beyond \+-20/ ],
    [ 'a number in an attribute', [ POST => '/attribute/testserver1', attribute('[1.' . '9' x 38 . ']') ], [ POST => '/attribute/testserver1', attribute('[1.' . '9' x 39 . ']') ], 201, 400, qr/number longer than 40/ ],
    [ 'an exponent in an attribute', [ POST => '/attribute/testserver1', attribute('[1e20]') ], [ POST => '/attribute/testserver1', attribute('[1e21]') ], 201, 400, qr/exponent beyond/ ],
    [ 'a key of JSON', [ PUT => '/preferences/c', preferences(body => '{"' . 'k' x 100 . '":1}') ], [ PUT => '/preferences/c', preferences(body => '{"' . 'k' x 101 . '":1}') ], '20[14]', 400, qr/key longer than 100 bytes/ ],
    [ 'a key of a path', [ POST => '/preferences/c/' . 'k' x 100, preferences(body => '') ], [ POST => '/preferences/c/' . 'k' x 101, preferences(body => '') ], 204, 400, qr/longer than 100 bytes/ ],
    [ 'a key of a patch', [ PATCH => '/preferences/c', json_patch('k' x 100) ], [ PATCH => '/preferences/c', json_patch('k' x 101) ], 204, 413, qr/key that is too long/ ],
    [ 'a key of JSON in an attribute', [ POST => '/attribute/testserver1', attribute('{"' . 'k' x 100 . '": 1}') ], [ POST => '/attribute/testserver1', attribute('{"' . 'k' x 101 . '": 1}') ], 201, 400, qr/key longer than 100 bytes/ ],
    [ 'the name of a container', [ PUT => '/preferences/' . 'k' x 100, document(1) ], [ PUT => '/preferences/' . 'k' x 101, document(1) ], '20[14]', 400, qr/longer than 100 bytes/ ],
    [ 'the name of an object', [ POST => '/entity/pool', form('name=' . uri_encode('é' x 50)) ], [ POST => '/entity/pool', form('name=' . uri_encode('é' x 51)) ], qr/20[12]/, 400, qr/more than 50 characters/ ],
    [ 'the name of a manager', [ POST => '/resourcemanager/ipmanager', form('baseip=10.0.0.0&netmask=255.0.0.0&name=' . 'm' x 50) ], [ POST => '/resourcemanager/ipmanager', form('baseip=10.0.0.0&netmask=255.0.0.0&name=' . 'm' x 51) ], qr/20[12]/, 400, qr/more than 50 characters/ ],
    [ 'a name that a manager gives', [ POST => '/resourcemanager/simpleentitynamemanager/testnames', form('driver=pool&resource=' . named(50)) ], [ POST => '/resourcemanager/simpleentitynamemanager/testnames', form('driver=pool&resource=' . named(51)) ], qr/201|409/, 400, qr/more than 50 characters/ ],
    [ 'the key of an attribute', [ POST => '/attribute/testserver1', form('value=1&key=' . 'k' x 60) ], [ POST => '/attribute/testserver1', form('value=1&key=' . 'k' x 61) ], 201, 400, qr/more than 60 characters/ ],
    [ 'the subkey of an attribute', [ POST => '/attribute/testserver1', form('value=1&key=k&subkey=' . 'k' x 60) ], [ POST => '/attribute/testserver1', form('value=1&key=k&subkey=' . 'k' x 61) ], 201, 400, qr/more than 60 characters/ ],
    [ 'the number of an attribute', [ POST => '/attribute/testserver1', form('value=1&key=k&number=2147483647') ], [ POST => '/attribute/testserver1', form('value=1&key=k&number=2147483648') ], 201, 400, qr/out of range/ ],
    [ 'a page', [ GET => '/entity/', headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 5 } ], [ GET => '/entity/', headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 6 } ], 200, 400, qr/Clusto-Per-Page must be at most 5/ ],
    [ 'an object that is named again', [ GET => '/by-names?' . join('&', ('name=multipool') x 3), headers => { 'Clusto-Mode' => 'expanded' } ],
        [ GET => '/by-names?' . join('&', ('name=multipool') x 10), headers => { 'Clusto-Mode' => 'expanded' } ], 200, 413, qr/name each object once/ ],
    [ 'a page after a cursor', [ GET => '/entity/?clusto_after=0&clusto_per_page=5' ], [ GET => '/entity/?clusto_after=0&clusto_per_page=6' ], 200, 400, qr/Clusto-Per-Page must be at most 5/ ],
);

sub multipart {
    my @parts = map { qq(--limit\r\nContent-Disposition: form-data; name="$_->[0]"\r\n\r\n$_->[1]\r\n) } @_;
    return (body => join('', @parts) . "--limit--\r\n", type => 'multipart/form-data; boundary=limit');
}

# Muster::Client's request, and chunks => [] for a body of unknown length.
sub ask {
    my ($client, $method, $path, %option) = @_;
    my $chunks = delete $option{chunks} // return $client->request($method, $path, %option);
    $option{headers} = { %{ $option{headers} // {} }, 'Transfer-Encoding' => 'chunked' };
    my $body = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ } @$chunks, '';
    return $client->request($method, $path, %option, body => $body);
}

for my $kind (sort keys %front) {
    my $client = $front{$kind}->client;
    subtest "limits through $kind" => sub {
        for my $limit (@limits) {
            my ($name, $at, $over, $at_status, $over_status, $message) = @$limit;
            my $answer = ask($client, @$at);
            like($answer->{status}, qr/^(?:$at_status)$/, "$name: at the limit") or diag $answer->{error} // $answer->{body};
            $answer = ask($client, @$over);
            is($answer->{status}, $over_status, "$name: over it");
            like($answer->{json} // $answer->{body}, $message, "$name: and told so");
            is($answer->{headers}{'content-type'}, 'application/json', "$name: in JSON");
        }
    };
    subtest "what $kind itself refuses" => sub {
        my $answer = $client->post('/attribute/testserver1', body => 'x' x (3 << 20), type => 'application/json');
        is($answer->{status}, 413, 'a body that is far too large');
        $answer = $client->get('/by-name/' . 'x' x 100_000);
        like($answer->{status}, qr/^(?:414|431|400)$/, 'a path that is');
        $answer = $client->get('/by-name/x', headers => { 'X-Long' => 'x' x 100_000 });
        like($answer->{status}, qr/^(?:400|431|413)$/, 'and a header');
    };
    subtest "a page's size where $kind\'s client does not say" => sub {
        my $answer = $client->get('/entity/', headers => { 'Clusto-Page' => 1 });
        is(scalar @{ $answer->{json} }, 3, 'is per_page');
    };
}

subtest 'a number that the database writes longer can be sent back' => sub {
    my $client = $front{nginx}->client;
    is($client->put('/preferences/long', document('1.2345678901234567890123456789e-20'))->{status}, 201, 'sent with an exponent');
    my $got = $client->get('/preferences/long', headers => { 'X-User-Id' => 'limits', 'Clusto-Minify' => 'true' })->{body};
    my ($number) = $got =~ /"a": (\S+)\}/;
    cmp_ok(length $number, '<=', 40, "comes back as $number");
    is($client->put('/preferences/long', document($number))->{status}, 204, 'and is taken again');
};

# What the settings are as they come, where the documentation promises it.
subtest 'the same limits as they come' => sub {
    my $plain  = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1 });
    my $door   = Muster::Front->new(server => $plain);
    my $client = $door->client;
    my @cases  = (
        [ 'the name of a parameter', sub { $client->post('/entity/pool', form('x' x $_[0] . '=1')) }, 1024, 412, 413 ],
        [ 'segments of a place', sub { $client->get('/preferences/c' . '/a' x ($_[0] - 1), preferences()) }, 64, 404, 400 ],
        [ 'a number', sub { $client->put('/preferences/c', document('9' x $_[0])) }, 400, 204, 400 ],
        [ 'an exponent', sub { $client->put('/preferences/c', document("1e$_[0]")) }, 308, 204, 400 ],
        [ 'a key of JSON', sub { $client->put('/preferences/c', preferences(body => '{"' . 'k' x $_[0] . '":1}')) }, 1024, 204, 400 ],
        [ 'a key of a path', sub { $client->post('/preferences/c/' . 'k' x $_[0], preferences(body => '')) }, 1024, 204, 400 ],
        [ 'the name of a container', sub { $client->put('/preferences/' . 'k' x $_[0], document(1)) }, 1024, 201, 400 ],
        [ 'the name of an object', sub { $client->post('/entity/pool', form('name=' . uri_encode('ü' x $_[0]))) }, 128, 201, 400 ],
        [ 'the key of an attribute', sub { $client->post('/attribute/testserver1', form('value=1&key=' . 'k' x $_[0])) }, 256, 201, 400 ],
        [ 'the subkey of an attribute', sub { $client->post('/attribute/testserver1', form('value=1&key=k&subkey=' . 'k' x $_[0])) }, 256, 201, 400 ],
    );
    for my $case (@cases) {
        my ($name, $ask, $limit, $fine, $over) = @$case;
        is($ask->($limit)->{status}, $fine, "$name: $limit");
        is($ask->($limit + 1)->{status}, $over, "$name: one more");
    }
    $_->stop for $door, $plain;
};

# Wider than a column is no setting; a key of JSON may be longer than the name of a container.
subtest 'wider' => sub {
    my $wide   = Muster::Server->new(postgres => $postgres, schema => 0,
        conf => { workers => 1, json_key_bytes => 3000, json_number_characters => 4000, json_exponent => 1000, preferences_path_segments => 100, json_depth => 100, max_path_segments => 200 });
    my $door   = Muster::Front->new(server => $wide);
    my $client = $door->client;
    my $get    = sub { $client->get($_[0], headers => { 'X-User-Id' => 'limits', 'Clusto-Minify' => 'true' })->{body} };
    is($client->put('/preferences/wide', preferences(body => '{"' . 'k' x 3000 . '":1}'))->{status}, 201, 'a long key');
    is($get->('/preferences/wide'), '{"' . 'k' x 3000 . '": 1}', 'comes back');
    is($client->put('/preferences/' . 'w' x 1025, document(1))->{status}, 400, 'the name of a container stays as long as its column');
    for my $number ('9' x 4000, '-0.' . '1' x 3997, '1' x 3995 . 'e1000', '1e1000', '1.' . '7' x 3990 . 'e-1000') {
        is($client->put('/preferences/wide', document($number))->{status}, 204, 'a number as long as they may be');
        my ($back) = $get->('/preferences/wide') =~ /"a": (\S+)\}/;
        cmp_ok(length $back, '<=', 4000, 'comes back no longer');
        is($client->put('/preferences/wide', document($back))->{status}, 204, 'and can be sent again');
        is(($get->('/preferences/wide') =~ /"a": (\S+)\}/)[0], $back, 'for the same');
    }
    my $place = '/preferences/farther' . '/a' x 99;
    is($client->post($place, preferences(body => '1'))->{status}, 204, 'a deep place');
    is($get->($place), '1', 'is found again');
    $_->stop for $door, $wide;
    for my $setting (qw(max_name_characters=129 max_key_characters=257 json_exponent=0 json_exponent=1001 json_number_characters=4001 json_key_bytes=15)) {
        my $bad = Muster::Server->new(postgres => $postgres, schema => 0, start => 0, more => "$setting;");
        like($bad->run_program(['-t'])->{err}, qr/must be from \d+ to \d+/, "$setting is out of bounds");
    }
};

subtest 'the deepest JSON that can be allowed comes back' => sub {
    my $deep = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1, json_depth => 100 });
    my $door = Muster::Front->new(server => $deep);
    my $list = '[' x 99 . ']' x 99;
    like($door->client->put('/preferences/deep', preferences(body => qq({"a":$list})))->{status}, qr/^20[14]$/, 'a document is taken');
    my $answer = $door->client->get('/preferences/deep', headers => { 'X-User-Id' => 'limits', 'Clusto-Minify' => 'true' });
    is($answer->{body}, qq({"a": $list}), 'and given back');
    is($door->client->post('/attribute/testserver2', attribute($list =~ s/^\[|\]$//gr))->{status}, 201, 'an attribute is taken');
    $answer = $door->client->get('/entity/', headers => { 'Clusto-Mode' => 'expanded', 'Clusto-Minify' => 'true' });
    like($answer->{body}, qr/"value": \[{98}\]{98}\}/, 'and shown where it is deepest');
    ok(defined $answer->{json}, 'in JSON');
    $_->stop for $door, $deep;
};

# While this table is locked, whoever reads objects waits in the database.
sub while_locked {
    my ($n, $code, $seconds) = @_;
    my @got = parallel($n + 1, sub {
        my ($i) = @_;
        if ($i == $n) {
            $postgres->psql("begin; lock table entities; select pg_sleep($seconds); commit;");
            return {};
        }
        sleep 0.3 * $slow;
        return $code->($i);
    });
    pop @got;
    return @got;
}

sub answer_of {
    my ($answer) = @_;
    return { status => $answer->{status}, seconds => $answer->{seconds}, retry => $answer->{headers}{'retry-after'}, json => $answer->{json} };
}

sub waiting_in_database {
    return $postgres->psql("select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and backend_type = 'client backend' and query not like '%pg_sleep%'");
}

for my $kind (sort keys %front) {
    subtest "statement_timeout through $kind" => sub {
        my ($answer) = while_locked(1, sub { answer_of($front{$kind}->client->get('/by-name/testserver1')) }, 2 * $slow);
        is($answer->{status}, 503, 'a statement that takes too long');
        like($answer->{retry}, qr/^\d+$/, 'with Retry-After');
        cmp_ok($answer->{seconds}, '<', 1.6 * $slow, 'in time');
        unlike($answer->{json}, qr/select|timeout|entities/i, 'and no word of SQL');
        is($front{$kind}->client->get('/by-name/testserver1')->{status}, 200, 'the next request is answered');
    };
    subtest "queries at once through $kind" => sub {
        my @got = while_locked(9, sub {
            my ($i) = @_;
            return answer_of($front{$kind}->client->get("/by-name/testserver1")) if $i < 8;
            my $most = 0;
            my $end  = time + 1.2 * $slow;
            while (time < $end) {
                my $now = waiting_in_database();
                $most = $now if $now > $most;
            }
            return { most => $most };
        }, 2 * $slow);
        is($got[8]{most}, 2, 'as many as there are workers, whatever many clients ask');
        is(join(' ', grep { !/^(?:200|503)$/ } map { $_->{status} } @got[ 0 .. 7 ]), '', 'each is answered in the end');
    };
}

subtest 'time to read a body' => sub {
    for my $kind (sort keys %front) {
        my $door = Muster::Front->new(server => $muster, kind => $kind, edit => $direct{$kind});
        my $body = "name=slow-$kind" . '&' x 800;
        my $head = "POST /entity/pool HTTP/1.1\r\nHost: localhost\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n";
        my $got  = $door->client->raw($head . $body, pause => { after => length($head) + 20, seconds => 2 * $slow }, method => 'POST');
        is($got->{status}, 408, "$kind passes it on as it arrives: body_timeout ends it") or diag explain $got;
        is($door->client->get("/by-name/slow-$kind")->{status}, 404, 'and nothing came of it');
        $door->stop;
        my @got = parallel(12, sub {
            my ($i) = @_;
            my $client = $front{$kind}->client;
            return answer_of($client->raw($head . $body, pause => { after => length($head) + 20, seconds => 2 * $slow }, method => 'POST')) if $i < 11;
            sleep 0.3 * $slow;
            my @seconds = sort { $a <=> $b } map { my $t = time; $client->get('/__version__'); time - $t } 1 .. 20;
            return { slowest => $seconds[-1] };
        });
        cmp_ok($got[11]{slowest}, '<', 1 * $slow, "$kind as in the sample: eleven slow senders hold no worker");
        is(join(' ', sort map { $_->{status} } @got[ 0 .. 10 ]), join(' ', sort(201, (202) x 10)), 'and get their answer');
    }
};

subtest 'a client that does not read holds a worker for at most send_timeout' => sub {
    load_many($postgres, count => 4000, attrs => 5);
    my @deaf = map { connect_to($muster) } 1, 2;
    syswrite $_, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/entity/', HTTP_CLUSTO_MODE => 'expanded') . record(5, '') for @deaf;
    my $next = connect_to($muster);
    my $t    = time;
    syswrite $next, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/__version__') . record(5, '');
    like(read_all($next, 10 * $slow), qr/Status: 200 /, 'the next one is answered');
    cmp_ok(time - $t, '<', 4 * $slow, 'when it is over');
};

# $seconds of requests by one patient client; statuses with their counts, and the slowest.
sub patient {
    my ($client, $path, $seconds) = @_;
    my ($end, $slowest, %count) = (time + $seconds, 0);
    while (time < $end) {
        my $answer = $client->get($path);
        $count{ $answer->{status} }++;
        $slowest = $answer->{seconds} if ($answer->{seconds} // 99) > $slowest;
    }
    return { count => \%count, slowest => $slowest };
}

for my $kind (sort keys %front) {
    subtest "floods through $kind" => sub {
        my $client = $front{$kind}->client(timeout => 20);
        my @got    = parallel(4, sub {
            my ($i) = @_;
            my $end = time + 3 * $slow;
            return patient($client, '/by-name/testserver1', 3 * $slow) if $i == 0;
            my @held;
            while (time < $end) {
                if ($i == 1) {    # begins and does not go on: in the line, in the headers, in the body
                    my $socket = $client->connect or next;
                    my @parts  = ('GET /by-n', "GET /by-name/x HTTP/1.1\r\nHost: x\r\nX-Y", "POST /entity/pool HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nname=");
                    syswrite $socket, $parts[ @held % 3 ];
                    push @held, $socket;
                    sleep 0.01 * $slow;
                }
                elsif ($i == 2) {    # asks for much and disconnects
                    $client->raw("GET /entity/basicserver HTTP/1.1\r\nHost: x\r\n\r\n", abort => 1);
                    sleep 0.03 * $slow; # as many as are asked on a quick machine
                }
                else {               # sends what is no request
                    $client->raw(join('', map { chr int rand 256 } 1 .. 200) . "\r\n\r\n", timeout => 0.2);
                }
            }
            return { held => scalar @held };
        });
        is(join(' ', sort keys %{ $got[0]{count} }), 200, 'a patient client gets its response') or diag explain $got[0];
        cmp_ok($got[0]{slowest}, '<', 10 * $slow, 'and soon');
        cmp_ok($got[1]{held}, '>', 50, "while $got[1]{held} connections hang");
        ok(poll(5 * $slow, sub { waiting_in_database() == 0 }), 'nothing goes on for those who left');
    };
}

is(join(' ', $muster->workers(2)), "@before", 'the same workers all along');
$_->stop for values %front;
is($muster->stop, 0, 'the server ends well');
done_testing();
