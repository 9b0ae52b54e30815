# 29-devices-from.t: devices_from: all that a query finds is put into a container or taken out of it; what
# is refused, what others do meanwhile.
use v5.24;
use warnings;
use Muster::Client qw(parallel);
use Muster::Process qw(poll);
use Muster::World;
use Test::More;

my $world    = Muster::World->new(data => 0, conf => { workers => 2, query_devices => 6, access => [
    { who => 'all', roles => [ 'read', 'write' ] }, { who => 'blind', roles => [ 'read', 'write' ], mounts => 'entity' } ], identity_param => 'HTTP_X_USER' });
my $client   = $world->client;
my $postgres = $world->postgres;
my %ALL      = ('X-User' => 'all');

sub act {
    my ($path, $params, %headers) = @_;
    return $client->post($path, form => $params, headers => { %ALL, %headers });
}

sub contents { my ($name, $driver) = @_; return join ' ', map { s{.*/}{}r } @{ $client->get('/entity/' . ($driver // 'pool') . "/$name", headers => \%ALL)->{json}{contents} } }
sub mood     { my ($name, $value) = @_; return is $client->put("/attribute/$name/mood", form => { value => $value }, headers => \%ALL)->{status}, 200, "$name is $value" }

is act('/entity/basicserver', [ map { (name => "s$_") } 1 .. 6 ])->{status}, 201, 'servers';
is act('/entity/pool', [ map { (name => $_) } qw(a b c) ])->{status}, 201, 'pools';
is act('/entity/unique_pool', [ map { (name => $_) } qw(u v) ])->{status}, 201, 'and unique ones';
mood("s$_", $_ % 2 ? 'odd' : 'even') for 1 .. 5;

subtest 'insert, move, remove' => sub {
    my $inserted = act('/entity/pool/a', { action => 'insert', devices_from => 'is basicserver and attr mood = odd' });
    is $inserted->{status}, 200, 'inserted';
    is join(' ', @{ $inserted->{json}{contents} }), '/basicserver/s1 /basicserver/s3 /basicserver/s5', 'all that is found';
    is act('/entity/pool/a', [ action => 'insert', device => 's2', device => 's1', devices_from => 'name in (s1, s3)' ])->{status}, 200, 'beside names, again';
    is contents('a'), 's1 s2 s3 s5', 'is no error';
    is act('/entity/pool/a', { action => 'remove', devices_from => 'within a and attr mood = even' })->{status}, 200, 'removed';
    is contents('a'), 's1 s3 s5', 'what is found of it';
    is act('/entity/unique_pool/u', { action => 'insert', devices_from => 'within a' })->{status}, 200, 'by where they are';
    is act('/entity/unique_pool/v', { action => 'move', devices_from => 'directly within u and name != s3' })->{status}, 200, 'moved';
    is contents('u', 'unique_pool') . ' | ' . contents('v', 'unique_pool'), 's3 | s1 s5', 'out of what they were in';
    my $version = $postgres->psql('select max(version) from clustoversioning');
    is act('/entity/pool/b', { action => 'insert', devices_from => 'attr nothing exists' })->{status}, 200, 'nothing is found';
    is $postgres->psql('select max(version) from clustoversioning'), $version, 'and nothing is done';
};

subtest 'a trial, and what changes' => sub {
    my $tried = act('/entity/pool/c', { action => 'insert', devices_from => 'is basicserver' }, 'Clusto-Dry-Run' => 'true', 'Clusto-Diff' => 'true');
    is $tried->{status}, 200, 'answered';
    is scalar @{ $tried->{json}{result}{contents} }, 6, 'as if it were done';
    is join(' ', grep { m{^/pool/} } map { $_->{object} } @{ $tried->{json}{changes} }), '/pool/c', 'what would change';
    is contents('c'), '', 'it is not';
};

subtest 'in a transaction' => sub {
    my @steps = (
        { method => 'POST', path => '/entity/pool', params => { name => 'fresh' } },
        { method => 'PUT', path => '/attribute/s6/mood', params => { value => 'odd' } },
        { method => 'POST', path => '/entity/pool/${0}', params => { action => 'insert', devices_from => 'attr mood = odd' } },
        { method => 'POST', path => '/entity/pool/${0}', params => { action => 'remove', devices_from => 'directly within ${0} and name = s1' } },
    );
    my $done = $client->post('/transaction', json => \@steps, headers => \%ALL);
    is $done->{status}, 200, 'done' or diag $done->{body};
    is contents('fresh'), 's3 s5 s6', 'what the operations before have done is seen';
    push @steps, { method => 'POST', path => '/entity/pool/a', params => { action => 'insert', devices_from => 'name == ==' } };
    $steps[0]{params}{name} = 'other';
    $done = $client->post('/transaction', json => \@steps, headers => \%ALL);
    is_deeply [ @{ $done->{json} }{qw(failed status)} ], [ 4, 400 ], 'a bad question fails it all';
    is $client->get('/by-name/other', headers => \%ALL)->{status}, 404, 'nothing is left of it';
};

subtest 'refusals' => sub {
    my $bad = act('/entity/pool/a', { action => 'insert', devices_from => 'name s1' });
    is $bad->{status}, 400, 'a question that is none';
    like $bad->{body}, qr/column 6/, 'says where';
    is act('/entity/pool/a', { action => 'insert', devices_from => '' })->{status}, 412, 'an empty one';
    my $many = act('/entity/pool/a', { action => 'insert', devices_from => 'all' });
    is $many->{status}, 400, 'more than the limit';
    like $many->{body}, qr/more than 6 objects \(query_devices\)/, 'which is named';
    is act('/entity/pool/a', { action => 'insert', devices_from => 'name = a' })->{status}, 409, 'the rules of containers hold';
    is act('/entity/pool/a', { action => 'polish', devices_from => 'name = s1' })->{status}, 400, 'another action';
    is act('/entity/pool/a', { action => 'rename', to => 'aa', devices_from => 'name = s1' })->{status}, 400, 'an action without devices';
    is act('/entity/pool/a', { action => 'insert', devices_from => 'name = s1' }, 'X-User' => 'blind')->{status}, 403, 'questions need the role read on root';
    is act('/entity/pool/a', { action => 'insert', device => 's1' }, 'X-User' => 'blind')->{status}, 200, 'names do not';
    is act('/entity/pool/none', { action => 'insert', devices_from => 'name = s1' })->{status}, 404, 'no container';
};

# Another changes what the question found, before it could be locked.
sub meanwhile {
    my ($change, $path, $params) = @_;
    ok(my $end = $postgres->begin("select from entities where name = 's2' for update; $change"), 'one is held');
    my ($done, $waited) = parallel(2, sub {
        return act($path, $params)->{status} if $_[0] == 0;
        my $waits = poll(60, sub { $postgres->psql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") });
        $end->('commit');
        return $waits ? 'waited' : 'no';
    });
    is_deeply [ $done, $waited ], [ 200, 'waited' ], 'it is waited for';
    return;
}

subtest 'meanwhile' => sub {
    is act('/entity/pool', { name => 'late' })->{status}, 201, 'a pool';
    mood("s$_", 'late') for 1 .. 3;
    meanwhile("update entity_attrs set string_value = 'gone' where key = 'mood' and deleted_at_version is null and entity_id = (select entity_id from entities where name = 's2')",
        '/entity/pool/late', { action => 'insert', devices_from => 'attr mood = late' });
    is contents('late'), 's1 s3', 'and asked again';
};

subtest 'renamed meanwhile' => sub {
    is act('/entity/pool', { name => 'named' })->{status}, 201, 'a pool';
    mood("s$_", 'late') for 1 .. 3;
    meanwhile("update entities set name = 'other2' where name = 's2'; insert into entities (name, type, driver, version) values ('s2', 'server', 'basicserver', 1)",
        '/entity/pool/named', { action => 'insert', devices_from => 'attr mood = late' });
    is contents('named'), 's1 other2 s3', 'what is found, not what has its name now';
};

done_testing();
