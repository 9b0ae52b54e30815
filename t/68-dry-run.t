#!/usr/bin/perl
# 68-dry-run.t: every kind of write, tried: the response is the one that would come, and nothing is changed; and
# what a write has changed is shown.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::World;

my $world  = Muster::World->new(data => 0, front_options => { cors => 0 });
my $pg     = $world->postgres;
my $client = $world->client;

sub dump_all { return $pg->rows }

sub ask { my ($method, $path, %option) = @_; return $client->request($method, $path, %option) }

sub done { return $client->expect(@_) }

done('servers', 201, POST => '/entity/basicserver', form => [ map { (name => "web$_") } 1 .. 3 ]);
done('pools', 201, POST => '/entity/pool', form => [ name => 'p1', name => 'p2' ]);
done('a rack', 201, POST => '/entity/basicrack', form => [ name => 'rack1' ]);
done('managers', 201, POST => "/resourcemanager/$_->[0]", form => $_->[1]) for
    [ ipmanager => [ name => 'lan', baseip => '10.0.0.0', netmask => '24' ] ], [ simplenamemanager => [ name => 'labels', basename => 'l' ] ],
    [ simpleentitynamemanager => [ name => 'names', basename => 'n' ] ];
done('attributes', 201, POST => '/attribute/web1', json => [ { key => 'a', value => 'x' }, { key => 'b', value => 1 } ]);
done('a member', 200, POST => '/entity/pool/p2', form => { action => 'insert', device => 'web2' });
done('a racked one', 200, POST => '/entity/basicrack/rack1', form => { action => 'insert', device => 'web3', rackU => 3 });
done('an address', 201, POST => '/resourcemanager/ipmanager/lan', form => { object => 'web2' });
my $version = done('a version to revert', 201, POST => '/attribute/web1', form => { key => 'c', value => 'x' })->{headers}{'clusto-version'};

# Each changes something. What of a response may be another one the second time: numbers, and what they are part of.
my @writes = (
    [ POST   => '/entity/basicserver', { name => 'fresh' } ],
    [ POST   => '/resourcemanager/ipmanager', { name => 'wan', baseip => '10.1.0.0', netmask => '24' } ],
    [ POST   => '/attribute/web1', { key => 'n', value => 'y' } ],
    [ PUT    => '/attribute/web1/a', { value => 'z' } ],
    [ PUT    => '/attribute/web1/new', { value => 'z' } ],
    [ DELETE => '/attribute/web1/b', undef ],
    [ POST   => '/entity/pool/p1', { action => 'insert', device => 'web1' } ],
    [ POST   => '/entity/pool/p2', { action => 'remove', device => 'web2' } ],
    [ POST   => '/entity/basicrack/rack1', { action => 'move', device => 'web3', rackU => 9 } ],
    [ POST   => '/entity/basicserver/web1', { action => 'rename', to => 'web9' } ],
    [ POST   => '/entity/basicserver/web9', { action => 'driver', to => 'basicvirtualserver' } ],
    [ POST   => '/entity/basicserver/web2/ports', { action => 'connect', type => 'pwr-nema-5', number => 1, to => 'web3', to_number => 1 } ],
    [ POST   => '/entity/basicserver/web2/ports', { action => 'disconnect', type => 'pwr-nema-5', number => 1 } ],
    [ POST   => '/resourcemanager/ipmanager/lan', { object => 'web3' } ],
    [ POST   => '/resourcemanager/ipmanager/lan', { object => 'web3', resource => '10.0.0.99' } ],
    [ POST   => '/resourcemanager/simplenamemanager/labels', { object => 'web3' } ],
    [ POST   => '/resourcemanager/simpleentitynamemanager/names', { driver => 'basicserver' } ],
    [ DELETE => '/resourcemanager/ipmanager/lan', { object => 'web2' } ],
    [ POST   => '/revert', { version => $version } ],
    [ DELETE => '/entity/basicserver/web2', undef ],
    [ DELETE => '/entity/ipmanager/lan', undef ],
);

sub same { my ($answer) = @_; return join ' ', $answer->{status}, map({ $answer->{headers}{$_} // '-' } qw(content-type clusto-minify)), $answer->{body} =~ s/"(number|version)": \d+/"$1": N/gr }

# Without what is another one each time.
sub strange { my ($json) = @_; return JSON::PP->new->canonical->allow_nonref->encode($json) =~ s/"(number|version)":\d+/"$1":N/gr }

for my $write (@writes) {
    my ($method, $path, $form) = @$write;
    my $what    = "$method $path @{[ map { qq($_=$form->{$_}) } sort keys %{ $form // {} } ]}";
    my @request = ($method, $path, $form ? (form => $form) : ());
    subtest $what => sub {
        my $before  = dump_all();
        my $tried   = ask(@request, headers => { 'Clusto-Dry-Run' => 'true' });
        my $shown   = ask(@request, headers => { 'Clusto-Dry-Run' => 'TRUE', 'Clusto-Diff' => 'true', 'Clusto-Minify' => 'true' });
        my $operation = { method => $method, path => $path, $form ? (params => $form) : () };
        my $part      = ask(POST => '/transaction', json => [$operation], headers => { 'Clusto-Dry-Run' => 'true' });
        my $undone    = ask(POST => '/transaction', json => [ $operation, { method => 'GET', path => '/by-name/there is none' =~ s/ /%20/gr } ]);
        is(dump_all(), $before, 'nothing is changed');
        is_deeply([ $part->{status}, $part->{json}[0]{status}, strange($part->{json}[0]{body}) ], [ 200, $tried->{status}, strange($tried->{json}) ], 'the same as a part of a transaction');
        is_deeply([ $undone->{status}, $undone->{json}{failed} ], [ 404, 1 ], 'and it was done in one that failed');
        is($tried->{headers}{'clusto-dry-run'}, 'true', 'and the response says so');
        is($tried->{headers}{'clusto-version'}, undef, 'there is no version');
        is($shown->{status}, $tried->{status} == 204 ? 200 : $tried->{status}, 'the same with the changes');
        cmp_ok(scalar @{ $shown->{json}{changes} }, '>', 0, 'which there are');
        is(defined $shown->{json}{result}, $tried->{status} != 204, 'and the result');
        my $real = ask(@request);
        is(same($tried), same($real), 'it is the response of the write');
        is($real->{headers}{'clusto-dry-run'}, undef, 'which is none');
        like($real->{headers}{'clusto-version'} // '', qr/^\d+$/, 'but has a version');
        isnt(dump_all(), $before, 'and changes something');
    };
}

subtest 'the changes of a write' => sub {
    my $answer = done('a write', 200, PUT => '/attribute/web3/colour', form => { value => 'red' }, headers => { 'Clusto-Diff' => 'true' });
    my $change = $answer->{json}{changes}[0];
    is_deeply([ @{$change}{qw(object change)}, $change->{attrs} ],
        [ '/basicserver/web3', 'changed', [ { key => 'colour', subkey => undef, number => undef, before => undef, after => { datatype => 'string', value => 'red' } } ] ], 'are what /diff says');
    my $again = $answer->{headers}{'clusto-version'};
    is_deeply($client->get("/diff?from=@{[ $again - 1 ]}&to=$again")->{json}{objects}[0]{attrs}, $change->{attrs}, '... indeed');
    is_deeply($answer->{json}{result}, $client->get('/attribute/web3')->{json}, 'the result is what would come without');
    my $none = done('a write of what is there', 200, PUT => '/attribute/web3/colour', form => { value => 'red' }, headers => { 'Clusto-Diff' => 'true' });
    is_deeply($none->{json}{changes}, [], 'changes nothing');
    my $renamed = done('a name', 200, POST => '/entity/basicserver/web3', form => { action => 'rename', to => 'web33' }, headers => { 'Clusto-Diff' => 'true' });
    is_deeply([ @{ $renamed->{json}{changes}[0] }{qw(change object was)} ], [ 'renamed', '/basicserver/web33', '/basicserver/web3' ], 'is changed');
};

subtest 'refusals' => sub {
    my @dry = (headers => { 'Clusto-Dry-Run' => 'true' });
    my $before = dump_all();
    done('what is not there', 404, DELETE => '/entity/basicserver/nobody', @dry);
    done('a condition', 412, PUT => '/attribute/web33/a', form => { value => 1 }, headers => { 'Clusto-Dry-Run' => 'true', 'If-Match' => '"x"' });
    done("Clusto-Dry-Run: $_", 400, PUT => '/attribute/web33/a', form => { value => 1 }, headers => { 'Clusto-Dry-Run' => $_ }) for 'yes', '1', '', 'true, true';
    done("Clusto-Diff: $_", 400, PUT => '/attribute/web33/a', form => { value => 1 }, headers => { 'Clusto-Diff' => $_ }) for 'yes', '';
    done('twice', 400, PUT => '/attribute/web33/a', form => { value => 1 }, headers => [ 'Clusto-Dry-Run' => 'true', 'Clusto-Dry-Run' => 'false' ]);
    done('preferences', 400, POST => '/preferences/box', headers => { 'X-User-Id' => 'u', 'Clusto-Dry-Run' => 'true' });
    done('a read', 400, GET => '/by-name/web33', @dry);
    is(dump_all(), $before, 'nothing is done');
    done('false', 200, PUT => '/attribute/web33/a', form => { value => 1 }, headers => { 'Clusto-Dry-Run' => 'false' });
    isnt(dump_all(), $before, 'is none');
};

$world->stop;
done_testing;
