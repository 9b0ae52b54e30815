#!/usr/bin/perl
# 37-versions.t: each write is one version: who, why, and which rows it made and ended.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::World;

my $world  = Muster::World->new(front_options => { identity => 'basic', cors => 0 });
my $pg     = $world->postgres;
my $client = $world->front->client(user => 'alice', password => 'secret');
my $J      = 'application/json';

sub versions { return $pg->psql('select count(*) from clustoversioning') }

# One write; its version, after a look at the row that belongs to it.
sub wrote {
    my ($method, $path, $description, %option) = @_;
    my $before  = versions();
    my $answer  = $client->request($method, $path, %option);
    my $version = $answer->{headers}{'clusto-version'} // 0;
    like $answer->{status}, qr/^20/, "$method $path" or diag $answer->{body};
    is versions(), $before + 1, '... is one version';
    is $pg->psql("select \"user\" || ': ' || description || case when abs(extract(epoch from localtimestamp - timestamp)) < 600 then '' else '?' end
        from clustoversioning where version = $version"), "alice: $description", '... which says who and what';
    return $version;
}

# One write that changes nothing: no version, and none is named.
sub changed_nothing {
    my ($method, $path, $status, %option) = @_;
    my $before = versions();
    my $answer = $client->request($method, $path, %option);
    is $answer->{status}, $status, "$method $path changes nothing";
    is versions(), $before, '... is no version';
    is $answer->{headers}{'clusto-version'}, undef, '... names none';
    return;
}

sub made  { return scalar $pg->psql("select count(*) from (select version from entities union all select version from entity_attrs) v where version = $_[0]") }
sub ended { return scalar $pg->psql("select count(*) from (select deleted_at_version v from entities union all select deleted_at_version from entity_attrs) d where v = $_[0]") }

my $v = wrote(POST => '/entity/basicserver', 'POST /entity/basicserver', form => [ name => 'a', name => 'b', name => 'testserver1' ]);
is made($v), 2, 'two new objects';
$v = wrote(POST => '/entity/pool/emptypool', 'POST /entity/pool/emptypool', form => [ action => 'insert', device => 'a', device => 'b' ]);
is made($v), 2, 'two memberships';
$v = wrote(POST => '/attribute/a', 'ticket 7: größer', headers => { 'Clusto-Description' => "ticket 7: gr\xc3\xb6\xc3\x9fer" }, type => $J,
    body => '[{"key": "k", "value": 1}, {"key": "k2", "value": "x"}, {"key": "ref", "value": "/basicserver/b", "datatype": "relation"}]');
is made($v), 3, 'three attributes';
$v = wrote(PUT => '/attribute/a/k', 'PUT /attribute/a/k', form => [ value => 2 ]);
is_deeply [ made($v), ended($v) ], [ 1, 1 ], 'one is replaced';
changed_nothing(PUT => '/attribute/a/k', 200, form => [ value => 2 ]);
changed_nothing(DELETE => '/attribute/a/none', 200);
changed_nothing(POST => '/entity/basicserver', 202, form => [ name => 'a', name => 'b' ]);
changed_nothing(POST => '/entity/pool/emptypool', 200, form => [ action => 'insert', device => 'a' ]);
changed_nothing(POST => '/entity/pool/emptypool', 200, form => [ action => 'remove', device => 'testserver1' ]);
$v = wrote(POST => '/entity/basicserver', 'POST /entity/basicserver', form => [ name => 'a', name => 'c' ]);
is made($v), 1, 'the one of two that is new';
$v = wrote(DELETE => '/attribute/a/k2', 'DELETE /attribute/a/k2');
is_deeply [ made($v), ended($v) ], [ 0, 1 ], 'one is ended';
wrote(POST => '/entity/pool', 'POST /entity/pool', form => [ name => 'a/b' ], headers => { 'Clusto-Description' => '' });
$v = wrote(DELETE => '/entity/pool/a%2Fb', 'DELETE /entity/pool/a/b');
is ended($v), 1, 'it is gone';
wrote(POST => '/resourcemanager/ipmanager', 'POST /resourcemanager/ipmanager', form => [ name => 'net', baseip => '10.0.0.0', netmask => '24' ]);
$v = wrote(POST => '/resourcemanager/ipmanager/net', 'POST /resourcemanager/ipmanager/net', form => [ object => 'a' ]);
is made($v), 5, 'four rows on the object, and _lastip';
$v = wrote(DELETE => '/resourcemanager/ipmanager/net', 'DELETE /resourcemanager/ipmanager/net', form => [ object => 'a' ]);
is ended($v), 4, 'the four are ended';
changed_nothing(DELETE => '/resourcemanager/ipmanager/net', 204, form => [ object => 'a' ]);
wrote(POST => '/resourcemanager/ipmanager/net', 'POST /resourcemanager/ipmanager/net', form => [ object => 'b' ]);
$v = wrote(DELETE => '/entity/ipmanager/net', 'DELETE /entity/ipmanager/net');
is ended($v), 1 + 3 + 4, 'the manager, its attributes, and what it gave';
$v = wrote(DELETE => '/entity/basicserver/b', 'DELETE /entity/basicserver/b');
is ended($v), 3, 'the object, its membership, and what referred to it';
my $now = $client->get('/attribute/a/ref');
is_deeply [ $now->{status}, $now->{json} ], [ 200, [] ], 'no attribute refers to what is gone';

wrote(POST => '/resourcemanager/ipmanager', 'POST /resourcemanager/ipmanager', form => [ name => 'taken', baseip => '10.1.0.0', netmask => '24' ]);
wrote(POST => '/resourcemanager/ipmanager/taken', 'POST /resourcemanager/ipmanager/taken', form => [ object => 'c', resource => '10.1.0.7' ]);
my $before = versions();
my $number = $pg->psql('select last_value from clustoversioning_version_seq');
my @refused = (
    [ 400, POST => '/attribute/a', form => [ key => 'x', value => 'y' ], headers => { 'Clusto-Description' => "\xff" } ],
    [ 409, POST => '/entity/pool/emptypool', form => [ action => 'insert', device => 'emptypool' ] ],
    [ 404, DELETE => '/entity/pool/nobody' ],
    [ 409, DELETE => '/resourcemanager/ipmanager/taken', form => [ object => 'a', resource => '10.1.0.7' ] ],
    [ 400, POST => '/attribute/a', type => $J, body => '[{"key": "x", "value": 1}, {"key": "y", "value": 1, "number": "z"}]' ],
);
for my $row (@refused) {
    my ($status, $method, $path, %option) = @$row;
    my $answer = $client->request($method, $path, %option);
    is $answer->{status}, $status, "$method $path is refused";
    is $answer->{headers}{'clusto-version'}, undef, '... without a version';
}
is versions(), $before, 'what was refused is no version';
is $pg->psql('select last_value from clustoversioning_version_seq'), $number, '... and takes no number';

$world->stop;
done_testing;
