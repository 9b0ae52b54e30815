#!/usr/bin/perl
# 48-parameters.t: what a request does not name correctly is refused and nothing is done, for every
# method; and JSON is taken wherever a form is.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Api;

my $world = Muster::Api->new->fresh;
my $J     = JSON::PP->new->utf8->canonical;

sub ask {
    my ($method, $path, %option) = @_;
    return $world->ask($method, $path, %option);
}

sub refused {
    my ($what, $status, $like, $method, $path, %option) = @_;
    my $before = $world->fingerprint;
    my $answer = ask($method, $path, %option);
    is($answer->{status}, $status, "$what: $status") or diag $answer->{body};
    like($world->message($answer) // '', $like, "$what: says why");
    is($world->fingerprint, $before, "$what: nothing is done");
    return $answer;
}

sub done {
    my ($what, $status, $method, $path, %option) = @_;
    my $answer = ask($method, $path, %option);
    is($answer->{status}, $status, $what) or diag $answer->{body};
    return $answer->{json};
}

done('servers', 201, POST => '/entity/basicserver', form => [ name => 'web1', name => 'web2' ]);
done('a pool', 201, POST => '/entity/pool', form => [ name => 'p' ]);
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'm', baseip => '10.200.0.0/24' ]);
done('an address', 201, POST => '/resourcemanager/ipmanager/m', form => [ object => 'web1' ]);
done('an attribute', 201, POST => '/attribute/web1/nic/a', form => [ value => 'x' ]);
done('another', 201, POST => '/attribute/web1/nic/b', form => [ value => 'y' ]);

subtest 'an unknown parameter is refused, and what is known is named' => sub {
    refused('ip in a DELETE', 400, qr/"ip".*object, resource/, DELETE => '/resourcemanager/ipmanager/m', form => [ object => 'web1', ip => '10.200.0.2' ]);
    refused('values in a DELETE', 400, qr{"values".*key, value, subkey, number, resource, datatype, mask, driver}, DELETE => '/attribute/web1/nic', form => [ values => 'x' ]);
    refused('subkeys in a DELETE', 400, qr/"subkeys"/, DELETE => '/attribute/web1/nic?subkeys=a');
    refused('anything in a DELETE', 400, qr/"force": there are none here/, DELETE => '/entity/basicserver/web1', form => [ force => '' ]);
    refused('vaule', 400, qr/"vaule".*key, subkey, value/, GET => '/by-attr?key=key1&vaule=x');
    refused('drvier of a pool', 400, qr/"drvier".*pool, driver, type, children/, GET => '/from-pools?pool=p&drvier=x');
    refused('drvier of an object', 400, qr/"drvier".*driver/, GET => '/by-name/web1?drvier=y');
    refused('devices', 400, qr/"devices".*action, device, devices_from, rackU/, POST => '/entity/pool/p', form => [ action => 'insert', devices => 'web1' ]);
    refused("allocate $_", 400, qr/"$_"/, POST => '/resourcemanager/ipmanager/m', form => [ object => 'web1', $_ => 1 ]) for qw(ip amount);
    refused('a property of another driver', 400, qr/"colour"/, POST => '/entity/pool', form => [ name => 'x', colour => 'red' ]);
    refused("$_->[0] $_->[1]", 400, qr/Unknown parameter "q"/, @$_)
        for map { [ GET => "$_?q=1" ] } qw(/ /__doc__ /__live__ /__meta__ /__metrics__ /__ready__ /__version__ /driverlist /typelist
        /favicon.ico /entity/__doc__ /entity/pool/p /by-names /attribute/web1 /resourcemanager /resourcemanager/ipmanager/m);
    refused('in multipart, too', 400, qr/"q"/, POST => '/entity/pool/p',
        body => "--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n1\r\n--b--\r\n", headers => { 'Content-Type' => 'multipart/form-data; boundary=b' });
};

subtest 'preferences' => sub {
    my %user = (headers => { 'X-User-Id' => 'eva' });
    done('a document', 204, POST => '/preferences/defaults', %user, body => '{"list": [1, 2]}');
    for my $path ('/preferences/defaults', '/preferences/defaults/list', '/preferences') {
        my $answer = ask(DELETE => $path, %user, form => [ pointer => '/list/0' ]);
        is($answer->{status}, 400, "DELETE $path with a body");
        like($answer->{json}, qr/No body/, 'says why');
    }
    is(ask(DELETE => '/preferences?container=defaults', %user)->{status}, 400, 'an unknown parameter');
    is_deeply(done('shown', 200, GET => '/preferences/defaults', %user), { list => [ 1, 2 ] }, 'all is there');
    done('by pointer', 204, DELETE => '/preferences/defaults?pointer=/list/0', %user);
};

subtest 'values' => sub {
    refused("children=$_", 400, qr/"children" must be true or false/, GET => "/from-pools?pool=p&children=$_") for qw(maybe 2 tru);
    done("children=$_", 200, GET => "/from-pools?pool=p&children=$_") for '', qw(0 1 TRUE false No yes on off);
    for my $path (qw(/entity /by-attr?key=key1 /from-pools?pool=p /resourcemanager)) {
        refused("Clusto-Per-Page without a page: $path", 400, qr/Clusto-Page/, GET => $path, headers => { 'Clusto-Per-Page' => 5 });
        done("with one: $path", 200, GET => $path, headers => { 'Clusto-Per-Page' => 5, 'Clusto-Page' => 1 });
        done("with a cursor: $path", 200, GET => $path, headers => { 'Clusto-Per-Page' => 5, 'Clusto-After' => 0 });
    }
};

# Objects have tags (66-conditions.t), what lists and creates has none to compare with.
subtest 'conditions where they can not be obeyed' => sub {
    for my $case ([ GET => '/entity/pool' ], [ GET => '/by-attr?key=nic' ], [ POST => '/entity/pool', form => [ name => 'q' ] ],
        [ POST => '/resourcemanager/ipmanager', form => [ name => 'q' ] ], [ GET => '/driverlist' ]) {
        refused("If-Match: $case->[0] $case->[1]", 400, qr/If-Match/, @$case, headers => { 'If-Match' => '"1"' });
    }
    refused('If-None-Match with a new object', 400, qr/If-None-Match/, POST => '/entity/pool', form => [ name => 'q' ], headers => { 'If-None-Match' => '"1"' });
    refused('If-Match and the past', 400, qr/If-Match/, GET => '/by-name/p', headers => { 'If-Match' => '"1"', 'Clusto-As-Of' => 'now' });
    done('If-None-Match with a tag of nothing', 200, GET => '/entity/pool/p', headers => { 'If-None-Match' => '"1"' });
    for my $case ([ DELETE => '/entity/pool/p' ], [ DELETE => '/attribute/web1/nic' ], [ PUT => '/attribute/web1/nic/a', form => [ value => 'z' ] ],
        [ DELETE => '/resourcemanager/ipmanager/m', form => [ object => 'web1' ] ]) {
        refused("If-Match of another state: $case->[0] $case->[1]", 412, qr/Precondition/, @$case, headers => { 'If-Match' => '"1"' });
    }
};

subtest 'JSON where a form is read' => sub {
    my $json = sub { (json => $J->encode($_[0])) };
    is_deeply(done('a list of names', 201, POST => '/entity/pool', $json->({ name => [ 'j1', "j\x{e9}" ] })), [ '/pool/j1', "/pool/j\x{e9}" ], 'all made');
    is_deeply(done('one name', 201, POST => '/entity/pool', $json->({ name => 'j3' })), ['/pool/j3'], 'made');
    is_deeply(done('an action', 200, POST => '/entity/pool/j1', $json->({ action => 'insert', device => [ 'web1', 'web2' ] }))->{contents},
        [ '/basicserver/web1', '/basicserver/web2' ], 'both inserted');
    done('a rack', 201, POST => '/entity/basicrack', $json->({ name => 'r', maxu => 50 }));
    done('units as numbers', 200, POST => '/entity/basicrack/r', $json->({ action => 'insert', device => 'web1', rackU => [ 49, 50 ] }));
    is(done('a manager', 201, POST => '/resourcemanager/simplenamemanager', $json->({ name => 'n', basename => 'n', digits => 3 }))->{driver}, 'simplenamemanager', 'made');
    is(done('allocating', 201, POST => '/resourcemanager/simplenamemanager/n', $json->({ object => 'web2' }))->{value}, 'n001', 'given');
    done('giving back', 204, DELETE => '/resourcemanager/simplenamemanager/n', $json->({ object => 'web2', resource => 'n001' }));
    is_deeply(done('a boolean', 200, GET => '/from-pools', $json->({ pool => ['j1'], children => JSON::PP::false })), [ '/basicserver/web1', '/basicserver/web2' ], 'found');
    is_deeply(done('beside a query', 206, GET => '/by-names?name=nobody', $json->({ name => 'web1' })), [ undef, '/basicserver/web1' ], 'the query comes first');

    refused('an unknown member', 400, qr/"nmae"/, POST => '/entity/pool/p', $json->({ nmae => 'x' }));
    refused('null', 400, qr/"name" must be/, POST => '/entity/pool', $json->({ name => undef }));
    refused('null in a list', 400, qr/"name" must be/, POST => '/entity/pool', $json->({ name => [ 'x', undef ] }));
    refused('an object', 400, qr/"name" must be/, POST => '/entity/pool', $json->({ name => {} }));
    refused('a list of what is one', 400, qr/"action" must be/, POST => '/entity/pool/p', $json->({ action => [ 'insert', 'remove' ] }));
    refused('a list', 400, qr/JSON object/, POST => '/entity/pool', json => '["x"]');
    refused('no JSON', 400, qr/line 1 column/, POST => '/entity/pool', json => '{"name": ');
    refused('a byte order mark', 400, qr/byte order mark/, POST => '/entity/pool', json => qq(\xef\xbb\xbf{"name": "x"}));
    refused('a member that is no text', 400, qr/./, POST => '/entity/pool', json => '{"name": "\u0000"}');

    my $answer = refused('JSON that is called a form', 415, qr/looks like JSON.*application\/json/, POST => '/entity/pool', body => '{"name": "x"}',
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded' });
    like($answer->{headers}{accept} // '', qr{application/json}, 'names what is taken');
    refused('JSON without a type', 415, qr/looks like JSON/, POST => '/entity/pool',   body => ' {"name": "x"}');
    refused('attributes without one', 415, qr/looks like JSON/, POST => '/attribute/web1', body => '[{"key": "x", "value": 1}]');
    refused("a $_", 415, qr/\Q$_\E/, POST => '/entity/pool', body => 'name=x', headers => { 'Content-Type' => $_ }) for 'text/plain', 'application/xml';
    refused('a compressed form', 415, qr/gzip/, POST => '/entity/pool', form => [ name => 'x' ], headers => { 'Content-Encoding' => 'gzip' });
    refused('a part', 400, qr/Content-Range/, PUT => '/attribute/web1/nic/a', form => [ value => 'z' ], headers => { 'Content-Range' => 'bytes 0-1/9' });
};

done_testing;
