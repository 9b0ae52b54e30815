#!/usr/bin/perl
# 46-exact-writes.t: a write does what was requested and nothing more: attributes are deleted exactly,
# managers get all properties that were sent, moves are one step.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::World;

my $world  = Muster::World->new(data => 0, front_options => { cors => 0 });
my $client = $world->client;
my $J      = JSON::PP->new->canonical;

sub ask {
    my ($method, $path, @form) = @_;
    my $response = $client->request($method, $path, @form ? (form => \@form) : ());
    return [ $response->{status}, length $response->{body} ? $response->{json} : () ];
}

sub ask_json {
    my ($method, $path, $body) = @_;
    my $response = $client->request($method, $path, type => 'application/json', body => ref $body ? $J->encode($body) : $body);
    return [ $response->{status}, length $response->{body} ? $response->{json} : () ];
}

# The attributes as "key/subkey/number=value".
sub brief {
    my ($list) = @_;
    return join ' ', map { join('/', map { $_ // '-' } @$_{qw(key subkey number)}) . '=' . (ref $_->{value} ? $J->encode($_->{value}) : $_->{value}) } @$list;
}

sub attributes { return brief(ask(GET => "/attribute/$_[0]")->[1]) }

ask(POST => '/entity/basicserver', map { (name => "web$_") } 1 .. 9);
ask(POST => '/entity/pool', name => 'p');

subtest 'DELETE of attributes: parameters count as in POST and PUT' => sub {
    my $fill = sub {
        ask(DELETE => '/attribute/web1/nic');
        ask_json(POST => '/attribute/web1', [ map { { key => 'nic', value => $_->[0], subkey => $_->[1], number => $_->[2] } } @_ ]);
    };
    my @rows = ([ 'x', 'a', 1 ], [ 'y', 'a', 2 ], [ 'z', 'b', 1 ], [ 'w', undef, undef ]);
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic', subkey => 'a')->[0], 200, 'subkey as a parameter');
    is(attributes('web1'), 'nic/b/1=z nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic', number => 1)->[0], 200, 'number');
    is(attributes('web1'), 'nic/a/2=y nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic?subkey=a&number=2')->[0], 200, 'both, in the query');
    is(attributes('web1'), 'nic/a/1=x nic/b/1=z nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is_deeply(ask(DELETE => '/attribute/web1/nic/a', subkey => 'b'),
        [ 400, q(Two different values were submitted for "subkey": ['a', 'b']) ], 'another one than in the path');
    is_deeply(ask(DELETE => '/attribute/web1/nic', number => 'x'), [ 400, q(invalid literal for int() with base 10: 'x') ], 'a number');
    is_deeply(ask(DELETE => '/attribute/web1/nic', key => 'other'),
        [ 400, q(Two different values were submitted for "key": ['nic', 'other']) ], 'another key than in the path');
    is(ask(DELETE => '/attribute/web1/nic', subkey => '')->[0], 200, 'an empty subkey');
    is(attributes('web1'), 'nic/a/1=x nic/a/2=y nic/b/1=z nic/-/-=w', 'all refused, or there is none: nothing is deleted');
};

subtest 'DELETE of exactly these attributes' => sub {
    my @all = (
        { key => 'a', value => 'x' }, { key => 'a', value => 'x', subkey => 's' }, { key => 'a', value => 'x' }, { key => 'a', value => 7 },
        { key => 'a', value => 7, number => 0 }, { key => 'd', value => '2026-03-29T01:30:00.5', datatype => 'datetime' },
        { key => 'j', value => { b => [ 1, undef ], a => 'y' } }, { key => 'r', value => '/pool/p', datatype => 'relation' },
        { key => 'r', value => '/basicserver/web3', datatype => 'relation' }, { key => 'n', value => undef }, { key => 'n', value => '' },
    );
    is(ask_json(POST => '/attribute/web2', \@all)->[0], 201, 'eleven attributes');
    my $shown  = ask(GET => '/attribute/web2')->[1];
    my @picked = grep { $_->{key} =~ /[djn]/ || $_->{key} eq 'r' && $_->{value} eq '/pool/p' } @$shown;
    push @picked, grep { $_->{key} eq 'a' && !defined $_->{subkey} && !defined $_->{number} && $_->{value} eq 'x' } $shown->[0];
    is_deeply(ask_json(DELETE => '/attribute/web2', [ @picked, { key => 'a', value => 'nothing like it' } ]),
        [ 409, 'Attribute ' . scalar(@picked) . ': the object has no such attribute' ], 'one of them is not there');
    is(scalar @{ ask(GET => '/attribute/web2')->[1] }, 11, '... nothing is deleted');
    is(ask_json(DELETE => '/attribute/web2', \@picked)->[0], 200, 'as GET shows them');
    is(attributes('web2'), 'a/s/-=x a/-/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', 'exactly these are gone, of two that are equal one');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ ({ key => 'a', value => 'x' }) x 2 ]),
        [ 409, 'Attribute 1: the object has no such attribute' ], 'one that is there once, named twice');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ { key => 'a', value => '7' } ])->[0], 409, 'the text of a number is not the number');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ { key => 'r', value => '/pool/nosuch', datatype => 'relation' } ])->[0], 409, 'a relation to nothing');
    is(ask_json(DELETE => '/attribute/web2/a', [ { value => 'x', subkey => undef } ])->[0], 200, 'the key from the path, without a subkey');
    is(attributes('web2'), 'a/s/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', '... its sibling with one stays');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'r', value => '/basicserver/web3', datatype => 'relation' } ]),
        [ 400, q(Attribute 0: Two different values were submitted for "key": ['a', 'r']) ], 'another key than in the path');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [])->[0], 200, 'an empty list');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'a' } ]), [ 412, 'Attribute 0: Provide at least "key" and "value"' ], 'no value');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'a', value => 7, more => 1 } ])->[0], 400, 'an unknown member');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', '[{"key": "a", "value": 7')->[0], 400, 'broken JSON');
    is_deeply(ask(DELETE => '/attribute/web2'), [ 405, 'DELETE is not allowed here.' ], 'neither a key nor a list');
    is(attributes('web2'), 'a/s/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', 'nothing is deleted');
    ask(POST => '/entity/pool/p', action => 'insert', device => 'web2', device => 'web3');
    my ($membership) = grep { $_->{value} eq '/basicserver/web2' } @{ ask(GET => '/attribute/p/_contains')->[1] };
    is(ask_json(DELETE => '/attribute/p', [$membership])->[0], 200, 'a membership');
    is_deeply(ask(GET => '/entity/pool/p')->[1]{contents}, ['/basicserver/web3'], '... the other one stays');
};

done_testing();
