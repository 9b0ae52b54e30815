#!/usr/bin/perl
# 69-rename.t: an object gets another name or another driver: what refers to it goes along, the past knows it as it
# was, and rules hold as if it had been made that way.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(parallel);
use Muster::Foreign;
use Muster::World;

# As many workers as there are clients at once, and all may write: or writes would take turns, and one that has to
# wait for long would be refused.
my $world  = Muster::World->new(data => 0, conf => { workers => 6, write_workers => 6 }, front_options => { cors => 0 });
my $pg     = $world->postgres;
my $client = $world->client;

sub done { return $client->expect(@_) }

sub action { my ($what, $status, $path, @form) = @_; return done($what, $status, POST => "/entity$path", form => \@form) }
sub create { my ($driver, @names) = @_; return done("create $driver", 201, POST => "/entity/$driver", form => [ map { (name => $_) } @names ]) }

create('basicserver', map { "web$_" } 1 .. 9);
create($_, "a $_") for qw(pool unique_pool exclusive_pool basicrack basicdatacenter basiczone);
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'lan', baseip => '10.0.0.0', netmask => '24' ]);

subtest 'another name' => sub {
    action('in a pool', 200, '/pool/a%20pool', action => 'insert', device => 'web1');
    done('referred to', 201, POST => '/attribute/web2', form => { key => 'peer', value => '/basicserver/web1', datatype => 'relation' });
    done('read, and so cached', 200, GET => $_) for ('/by-name/a%20pool', '/by-name/web2', '/by-name/web1') x 2;
    my $answer = action('renamed', 200, '/basicserver/web1', action => 'rename', to => 'www');
    is($answer->{json}{name}, 'www', 'the response has the new name');
    is_deeply($answer->{json}{parents}, ['/pool/a pool'], 'and shows the object');
    my $version = $answer->{headers}{'clusto-version'};
    is_deeply($client->get('/by-name/a%20pool')->{json}{contents}, ['/basicserver/www'], 'the pool knows');
    is($client->get('/attribute/web2/peer')->{json}[0]{value}, '/basicserver/www', 'who refers to it knows');
    done('the old name', 404, GET => '/by-name/web1');
    is_deeply([ $pg->psql('select name, version < until from muster_was') ], ['web1|t'], 'what it was called is written down');
    my %then = (headers => { 'Clusto-As-Of' => $version - 1 });
    is($client->get('/by-name/web1', %then)->{json}{name}, 'web1', 'as of before it has the old name');
    is_deeply($client->get('/by-name/a%20pool', %then)->{json}{contents}, ['/basicserver/web1'], '... for others, too');
    is($client->get('/by-name/www', %then)->{status}, 404, '... and not the new one');
    is($client->get("/diff?from=@{[ $version - 1 ]}&to=$version")->{json}{objects}[0]{was}, '/basicserver/web1', 'the difference');
    my $python = Muster::Foreign->new($pg);
    like($python->id('www'), qr/^\d+$/, 'Python clusto finds it');
    $python->end;
    create('basicserver', 'web1');
    is($client->get('/by-name/web1')->{json}{parents}[0], undef, 'the old name is free');
    my $back = action('taken', 409, '/basicserver/www', action => 'rename', to => 'web1');
    is($back->{json}, '"web1" already exists', 'says so');
    my $same = action('its own', 200, '/basicserver/www', action => 'rename', to => 'www');
    is($same->{headers}{'clusto-version'}, undef, 'is no change');
};

subtest 'refused' => sub {
    action('no name', 400, '/basicserver/web2', action => 'rename');
    action('an empty one', 400, '/basicserver/web2', action => 'rename', to => '');
    action('a long one', 400, '/basicserver/web2', action => 'rename', to => 'x' x 129);
    action('dots', 400, '/basicserver/web2', action => 'rename', to => 'a/../b');
    action('control characters', 400, '/basicserver/web2', action => 'rename', to => "a\tb");
    action('with a device', 400, '/basicserver/web2', action => 'rename', to => 'x', device => 'web3');
    action('to with another action', 400, '/pool/a%20pool', action => 'insert', to => 'x', device => 'web3');
    action('nobody', 404, '/basicserver/nobody', action => 'rename', to => 'x');
    action('another driver', 409, '/pool/web2', action => 'rename', to => 'x');
    action('clustometa', 409, '/clustometa/clustometa', action => 'rename', to => 'x');
    my $etag = $client->get('/by-name/web2')->{headers}{etag};
    done('on condition of another state', 412, POST => '/entity/basicserver/web2', form => { action => 'rename', to => 'x' }, headers => { 'If-Match' => '"x"' });
    done('on condition of its state', 200, POST => '/entity/basicserver/web2', form => { action => 'rename', to => 'web22' }, headers => { 'If-Match' => $etag });
    action('back', 200, '/basicserver/web22', action => 'rename', to => 'web2');
};

subtest 'two want one name' => sub {
    my @bad;
    for my $round (1 .. 10) {
        my @statuses = map { ref ? $_->[0] : 0 } parallel(6, sub {
            my ($me) = @_;
            my $c = $world->front->client;
            return [ $c->post('/entity/basicserver', form => { name => "goal$round" })->{status} ] if $me == 0;
            return [ $c->post("/entity/basicserver/web@{[ 2 + $me ]}", form => { action => 'rename', to => "goal$round" })->{status} ];
        });
        my $count = $pg->psql("select count(*) from entities where name = 'goal$round' and deleted_at_version is null");
        my $won   = grep { $_ == 200 || $_ == 201 } @statuses;
        push @bad, "round $round: @statuses, $count" if $count != 1 || $won != 1 || grep { !/^(?:200|201|202|409)$/ } @statuses;
        my ($free) = grep { $client->get("/by-name/web$_")->{status} == 404 } 3 .. 7;
        $client->post("/entity/basicserver/goal$round", form => { action => 'rename', to => $free ? "web$free" : "spare$round" });
    }
    is(join("\n", @bad), '', 'one gets it');
};

sub driver_of { return $pg->psql("select driver || ' ' || type from entities where name = '$_[0]' and deleted_at_version is null") }

subtest 'another driver' => sub {
    create('basicserver', 'box');
    my $answer = action('changed', 200, '/basicserver/box', action => 'driver', to => 'basicvirtualserver');
    is($answer->{json}{driver}, 'basicvirtualserver', 'the response has it');
    create('pool', 'typed');
    action('a zone', 200, '/pool/typed', action => 'driver', to => 'basiczone');
    is(driver_of('typed'), 'basiczone zone', 'and its type');
    is($client->get('/by-name/box', headers => { 'Clusto-As-Of' => $answer->{headers}{'clusto-version'} - 1 })->{json}{driver}, 'basicserver', 'as of before');
    is_deeply([ grep { $_ eq '/basicvirtualserver/box' } @{ $client->get('/entity/basicvirtualserver')->{json} } ], ['/basicvirtualserver/box'], 'it is listed there');
    is(action('again', 200, '/basicvirtualserver/box', action => 'driver', to => 'basicvirtualserver')->{headers}{'clusto-version'}, undef, 'is no change');
    action('unknown', 412, '/basicvirtualserver/box', action => 'driver', to => 'nothing');
    action('none', 400, '/basicvirtualserver/box', action => 'driver');
    action('to clustometa', 409, '/basicvirtualserver/box', action => 'driver', to => 'clustometa');
    action('of clustometa', 409, '/clustometa/clustometa', action => 'driver', to => 'pool');

    done('an address', 201, POST => '/resourcemanager/ipmanager/lan', form => { object => 'box' });
    like(action('what has addresses', 409, '/basicvirtualserver/box', action => 'driver', to => 'pool')->{json}, qr/addresses/, 'why');
    action('back', 200, '/basicvirtualserver/box', action => 'driver', to => 'basicserver');
    like(action('a manager that has given', 409, '/ipmanager/lan', action => 'driver', to => 'pool')->{json}, qr/allocated/, 'why');
    done('taken back', 204, DELETE => '/resourcemanager/ipmanager/lan', form => { object => 'box' });
    action('a manager that has not', 200, '/ipmanager/lan', action => 'driver', to => 'simplenamemanager');

    action('racked', 200, '/basicrack/a%20basicrack', action => 'insert', device => 'box', rackU => 1);
    like(action('what is racked', 409, '/basicserver/box', action => 'driver', to => 'pool')->{json}, qr/not a device/, 'why');
    like(action('a rack with contents', 409, '/basicrack/a%20basicrack', action => 'driver', to => 'pool')->{json}, qr/units/, 'why');
    create('pool', 'other');
    action('into a pool', 200, '/pool/a%20pool', action => 'insert', device => 'box');
    action('into another', 200, '/pool/other', action => 'insert', device => 'box');
    like(action('members of other pools', 409, '/pool/other', action => 'driver', to => 'exclusive_pool')->{json}, qr/already in the pool "a pool"/, 'why');
    action('one that may share', 200, '/pool/other', action => 'driver', to => 'unique_pool');
    done('ports', 200, POST => '/entity/basicserver/web8/ports', form => { action => 'connect', type => 'pwr-nema-5', number => 1, to => 'web9', to_number => 1 });
    like(action('what is connected', 409, '/basicserver/web8', action => 'driver', to => 'pool')->{json}, qr/port pwr-nema-5 1 of "web8" is connected/, 'why');
};

$world->stop;

subtest 'roles' => sub {
    my $strict = Muster::World->new(conf => { identity_param => 'HTTP_X_WHO', access => [ { who => 'ann', mounts => 'entity', roles => [ 'read', 'write' ] } ] }, front_options => { cors => 0 });
    $client = $strict->client;
    my $as = sub { return $client->post('/entity/basicserver/testserver1', form => $_[0], headers => { 'X-Who' => 'ann' })->{status} };
    is($as->({ action => 'driver', to => 'ipmanager' }), 403, 'a manager needs another role');
    is($as->({ action => 'rename', to => 'ann' }), 200, 'a server does not');
    $strict->stop;
};

done_testing;
