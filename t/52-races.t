# 52-races.t: many clients at once on two servers over one database: nothing twice, nothing lost.
use v5.24;
use warnings;
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Server;

my $CLIENTS  = 16;
my $postgres = Muster::Postgres->new;
my @servers  = map { Muster::Server->new(postgres => $postgres, conf => { workers => 4, write_workers => 4, lock_timeout => 120000, statement_timeout => 120000 }) } 1 .. 2;
my @fronts   = map { Muster::Front->new(server => $_) } @servers;

# Every second client talks to the other server.
sub client { return $fronts[ $_[0] % 2 ]->client }

my $first = client(0);

sub each_client {
    my ($code) = @_;
    my @results = parallel($CLIENTS, sub { $code->(client($_[0]), $_[0]) });
    my @died = grep { ref eq 'HASH' && $_->{died} } @results;
    is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
    return @results;
}

sub created {
    my ($driver, @names) = @_;
    my $answer = $first->post("/entity/$driver", form => [ map { (name => $_) } @names ]);
    $answer->{status} == 201 or die "creating @names: $answer->{status} $answer->{body}";
    return;
}

subtest 'one name, sixteen creators' => sub {
    my %sum;
    for my $round (1 .. 8) {
        my @statuses = each_client(sub { my ($c) = @_; $c->post('/entity/pool', form => { name => "race$round" })->{status} });
        $sum{$_}++ for @statuses;
    }
    is_deeply(\%sum, { 201 => 8, 202 => 8 * ($CLIENTS - 1) }, 'one 201 a round, 202 for all others');
    is($postgres->psql("select count(*), count(distinct name) from entities where name like 'race%' and deleted_at_version is null"),
        '8|8', 'each exists once');
};

subtest 'thousands of names in one request' => sub {
    my @names   = map { "bulk$_" } 1 .. 5000;
    my @answers = parallel(4, sub { my $a = client($_[0])->post('/entity/pool', form => [ map { (name => $_) } @names ]); ref $a->{json} eq "ARRAY" ? [ $a->{status}, scalar @{ $a->{json} } ] : [ $a->{status}, $a->{error} // $a->{body} ] });
    is_deeply([ sort map { join ' ', @$_ } @answers ], [ '201 5000', ('202 5000') x 3 ], 'four at once: one creates them');
    is($postgres->psql("select count(*), count(distinct name) from entities where name like 'bulk%' and deleted_at_version is null"),
        '5000|5000', 'each exists once');
};

subtest 'made and deleted at the same time' => sub {
    my @statuses = map { @$_ } each_client(sub {
        my ($c, $i) = @_;
        return [ map { $i % 4 ? $c->delete("/entity/pool/fleeting$_")->{status}
                              : $c->post('/entity/pool', form => [ map { (name => "fleeting$_") } 1 .. 4 ], headers => { 'Clusto-Mode' => 'expanded' })->{status} }
                 map { ($_ + $i) % 4 + 1 } 1 .. ($i % 4 ? 120 : 40) ];
    });
    is(scalar(grep { !/^(201|202|204|404)$/ } @statuses), 0, 'every answer is one that fits') or diag join ' ', @statuses;
};

subtest 'one attribute, sixteen setters' => sub {
    created(basicserver => 'target');
    my @statuses = map { @$_ } each_client(sub {
        my ($c, $i) = @_;
        return [ map { $c->put('/attribute/target/state', form => { value => "v$i-$_" })->{status} } 1 .. 10 ];
    });
    is_deeply([ grep { $_ != 200 } @statuses ], [], 'every one was set');
    is($postgres->psql("select count(*) from entity_attrs a join entities e using (entity_id)
        where e.name = 'target' and key = 'state' and a.deleted_at_version is null"), 1, 'one row is left');
};

subtest 'history says what happened' => sub {
    created(basicserver => 'told');
    my @statuses = map { @$_ } each_client(sub {
        my ($c, $i) = @_;
        return [ map { $c->put('/attribute/told/state', form => { value => "v$i-$_" })->{status} } 1 .. 30 ];
    });
    is_deeply([ grep { $_ != 200 } @statuses ], [], 'every one was set');
    my $rows = "from entity_attrs a join entities e using (entity_id) where e.name = 'told' and key = 'state'";
    is($postgres->psql("select count(*), count(distinct a.version) $rows"), ($CLIENTS * 30) . '|' . ($CLIENTS * 30), 'a version for each');
    is($postgres->psql("select count(*) $rows and a.deleted_at_version <= a.version"), 0, 'no row ended at or before the version that made it');
    is($postgres->psql("select count(*) from (select v.version from clustoversioning v left join (select a.version, a.deleted_at_version $rows) r
        on r.version <= v.version and coalesce(r.deleted_at_version, 2147483647) > v.version
        where v.version >= (select min(a.version) $rows) group by v.version having count(r.version) <> 1) as odd"),
        0, 'as of every version it has exactly one value');
};

subtest 'one device, sixteen unique pools' => sub {
    created(unique_pool => map { "u$_" } 0 .. $CLIENTS - 1);
    created(basicserver => 'single');
    my @statuses = each_client(sub { my ($c, $i) = @_; $c->post("/entity/unique_pool/u$i", form => { action => 'insert', device => 'single' })->{status} });
    is_deeply([ sort @statuses ], [ 200, (409) x ($CLIENTS - 1) ], 'one took it, the others may not');
    is(scalar @{ $first->get('/by-name/single')->{json}{parents} }, 1, 'it is in one');
};

subtest 'no circle, whoever begins' => sub {
    created(pool => map { "c$_" } 0 .. $CLIENTS - 1);
    for my $round (1 .. 3) {
        my @statuses = each_client(sub {
            my ($c, $i) = @_;
            my $next = ($i + 1) % $CLIENTS;
            return $c->post("/entity/pool/c$i", form => { action => 'insert', device => "c$next" })->{status};
        });
        is(scalar(grep { $_ == 409 } @statuses), 1, 'exactly one insert would have closed the circle');
        $first->post("/entity/pool/c$_", form => { action => 'remove', device => 'c' . (($_ + 1) % $CLIENTS) }) for 0 .. $CLIENTS - 1;
    }
};

subtest 'a rack\'s unit has one owner' => sub {
    created(basicrack => 'rack1');
    created(basicserver => map { "dev$_" } 0 .. $CLIENTS - 1);
    my @statuses = each_client(sub {
        my ($c, $i) = @_;
        return $c->post('/entity/basicrack/rack1', form => [ action => 'insert', device => "dev$i", rackU => 1 + $i % 4, rackU => 2 + $i % 4 ])->{status};
    });
    is($postgres->psql("select count(*) from (select number from entity_attrs where key = '_contains' and subkey = 'ru'
        and deleted_at_version is null group by number having count(*) > 1) as twice"), 0, 'no unit twice');
    cmp_ok(scalar(grep { $_ == 200 } @statuses), '>=', 2, 'some were racked');
    is(scalar(grep { $_ != 200 && $_ != 409 } @statuses), 0, 'the others were told');
};

subtest 'addresses: each once, exactly all of them' => sub {
    my $made = $first->post('/resourcemanager/ipmanager', form => { name => 'ips', baseip => '10.1.0.0', netmask => '25', gateway => '10.1.0.1' });
    is($made->{status}, 201, 'a /25 without its gateway: 125 addresses') or diag $made->{body};
    created(basicserver => map { "host$_" } 0 .. $CLIENTS - 1);
    my @answers = map { @$_ } each_client(sub {
        my ($c, $i) = @_;
        return [ map { my $a = $c->post('/resourcemanager/ipmanager/ips', form => { object => "host$i" });
                       [ $a->{status}, ref $a->{json} eq 'HASH' ? $a->{json}{value} : undef ] } 1 .. 10 ];
    });
    my @given = map { $_->[1] } grep { $_->[0] == 201 } @answers;
    my %seen;
    $seen{$_}++ for @given;
    is(scalar @given, 125, 'all were given');
    is(scalar keys %seen, 125, 'none twice');
    is(scalar(grep { $_->[0] == 409 } @answers), 160 - 125, 'then a clean 409 each');
    is($first->delete('/resourcemanager/ipmanager/ips', form => { object => 'host3' })->{status}, 204, 'one host gives its back');
    my $again = $first->post('/resourcemanager/ipmanager/ips', form => { object => 'host4' });
    is($again->{status}, 201, 'a freed address is given again') or diag $again->{body};
};

subtest 'names: each once, objects and resources' => sub {
    $first->post('/resourcemanager/simpleentitynamemanager', form => { name => 'hosts', basename => 'web', digits => 4 });
    $first->post('/resourcemanager/simplenamemanager', form => { name => 'labels', basename => 'l', digits => 4 });
    my @answers = map { @$_ } each_client(sub {
        my ($c, $i) = @_;
        return [ map { [ $c->post('/resourcemanager/simpleentitynamemanager/hosts', form => { driver => 'basicserver' })->{json},
                         $c->post('/resourcemanager/simplenamemanager/labels', form => { object => "host$i" })->{json}{value} ] } 1 .. 10 ];
    });
    my (%objects, %labels);
    $objects{ $_->[0] }++ for @answers;
    $labels{ $_->[1] }++ for @answers;
    is_deeply([ sort keys %objects ], [ map { sprintf '/basicserver/web%04d', $_ } 1 .. 160 ], '160 objects, 160 names, none left out');
    is_deeply([ sort keys %labels ], [ map { sprintf 'l%04d', $_ } 1 .. 160 ], '160 labels too');
};

subtest 'two managers don\'t wait for each other' => sub {
    $first->post('/resourcemanager/ipmanager', form => { name => $_->[0], baseip => $_->[1], netmask => '24' })
        for [ 'left', '10.2.0.0' ], [ 'right', '10.3.0.0' ];
    $first->post('/resourcemanager/ipmanager/right', form => { object => 'host1' });
    # Somebody holds the left manager (and the row of the object that it gives to) for a while.
    ok(my $end = $postgres->begin("select from entities where name in ('left', 'host2') for update"), 'the left one is held');
    my $right = $first->post('/resourcemanager/ipmanager/right', form => { object => 'host1' });
    is($right->{status}, 201, 'the right one answers meanwhile');
    cmp_ok($right->{seconds}, '<', 5 * ($ENV{MUSTER_SLOW} // 1), 'without waiting');
    $end->('rollback');
};

subtest 'what has ended does not end again' => sub {
    created(basicserver => $_) for qw(referred referring);
    $first->post('/attribute/referring', json => [ { key => 'ref', datatype => 'relation', value => '/basicserver/referred' } ])->{status} == 201 or die;
    ok(my $end = $postgres->begin("update entity_attrs set deleted_at_version = 1000000 where key = 'ref' and deleted_at_version is null"), 'another ends it');
    my ($deleted, $waited) = parallel(2, sub {
        return client(0)->delete('/entity/basicserver/referred')->{status} if $_[0] == 0;
        my $waits = Muster::Process::poll(10, sub { $postgres->psql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") });
        $end->('commit');
        return $waits ? 'waited' : 'no';
    });
    is_deeply([ $deleted, $waited ], [ 204, 'waited' ], 'it is waited for');
    is($postgres->psql("select v.description ~ '^written past' from clustoversioning v join entity_attrs a on a.deleted_at_version = v.version where a.key = 'ref'"),
        't', 'the reference ended with the version of who was first');
};

is(scalar(grep { / 500 / } map { split /\n/, $_->log } @servers), 0, 'no request ended with 500');
$_->stop for @fronts, @servers;
done_testing;
