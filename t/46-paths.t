# 46-paths.t: what an empty segment or one of dots in a path must not do, through nginx and lighttpd; names
# that no path could reach.
use v5.24;
use warnings;
use Muster::Client qw(uri_encode);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(slurp source_dir);
use Muster::Server;
use Test::More;

my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres);

# Containers that no request below may touch.
my @kept = ('a', 'b');

sub prepare {
    my ($client) = @_;
    $client->post('/entity/pool', form => [ name => 'web1', name => 'x/y' ]);
    $client->post('/attribute/web1', form => [ key => $_, value => 'v' ]) for qw(port nic);
    $client->put("/preferences/$_", json => { list => [ 1, 2 ], '..' => 1 }) for @kept;
    return;
}

for my $kind (qw(nginx lighttpd)) {
    my $front  = Muster::Front->new(server => $server, kind => $kind);
    my $client = $front->client(headers => { 'X-User-Id' => 'alice' });

    subtest "many names through $kind" => sub {
        my @names = map { "a-name-of-some-length-$_" } 1 .. 700;
        my $query = join '&', map { "name=$_" } @names;
        cmp_ok(length $query, '>', 18_000, 'a long query');
        my %answer = (query => $client->get("/by-names?$query"), body => $client->get('/by-names', form => [ map { (name => $_) } @names ]));
        is_deeply([ $answer{$_}{status}, scalar @{ $answer{$_}{json} // [] } ], [ 404, 700 ], "700 names in a $_ are looked up") for sort keys %answer;
        my $far = $client->get('/by-names?' . join '&', ($query) x 8);
        like($far->{status}, qr/^4(?:00|14|31)$/, 'what is longer than the front server takes is refused');
    };

    subtest "an empty segment through $kind" => sub {
        prepare($client);
        for (
            [ DELETE => '/attribute/web1//port' ],  [ DELETE => '/attribute//web1' ],
            [ DELETE => '/attribute/web1//' ],      [ PUT    => '/attribute/web1//port' ],
            [ DELETE => '/entity//pool/web1' ],     [ DELETE => '/entity/pool//web1' ],
            [ POST   => '/entity/pool//' ],         [ GET    => '/attribute/web1//port' ],
            [ GET    => '/by-name//web1' ],         [ HEAD   => '/entity/pool//web1' ],
            [ DELETE => '/preferences//a' ],        [ DELETE => '/preferences/a//list' ],
            [ DELETE => '/preferences/a//' ],       [ DELETE => '/preferences//' ],
            [ GET    => '/preferences/a//list' ],   [ PATCH  => '/preferences//a' ],
            [ POST   => '/resourcemanager/ipmanager//m' ], [ GET => '/driverlist//' ],
        ) {
            my ($method, $path) = @$_;
            is($client->request($method, $path, form => [ value => 'w', name => 'n' ])->{status}, 404, "$method $path");
        }
        is($client->delete('/attribute/web1/port/')->{status}, 200, 'one slash at the end is harmless');
        is($client->get('/attribute/web1/nic')->{json}[0]{value}, 'v', 'nothing else has gone');
        is($client->get('//by-name/web1')->{status}, 200, 'nor has one before all others a meaning');
        is_deeply([ sort @{ $client->get("/preferences/")->{json} } ], \@kept, 'all containers are there');
    };

    subtest "segments of dots through $kind" => sub {
        prepare($client);
        for my $dots ('..', '.', '%2E%2E', '%2e.', '.%2E', '%2e', 'x%2F..', 'x%2f%2E%2e', '..%2Fb', 'x%2F.%2Fb', '../preferences/a', '..%2F..%2Fpreferences') {
            for my $method (qw(DELETE PUT POST PATCH OPTIONS)) {
                my $answer = $client->request($method, "/preferences/a/$dots", json => {});
                is($answer->{status}, 400, "$method /preferences/a/$dots");
            }
            is($client->delete("/entity/pool/$dots")->{status}, 400, "DELETE /entity/pool/$dots");
            is($client->post("/attribute/web1/$dots", form => [ key => 'k', value => 'w' ])->{status}, 400, "POST /attribute/web1/$dots");
        }
        is($client->delete('/preferences/a?pointer=%2F..')->{status}, 204, 'a key of dots is a matter for pointer');
        is_deeply($client->get('/preferences/a')->{json}, { list => [ 1, 2 ] }, 'the rest is as it was');
        is_deeply([ sort @{ $client->get("/preferences/")->{json} } ], \@kept, 'all containers are there');
        is($client->get("/x/../by-name/$_")->{status}, 200, "GET /x/../by-name/$_ is harmless") for 'web1', '../by-name/web1';
        is($client->delete('/entity/pool/x%2Fy')->{status}, 204, 'an encoded slash without dots');
    };

    subtest "names that no path reaches, through $kind" => sub {
        for my $name ('.', '..', 'a/../b', 'a/./b', '../b', './b', 'a/..', 'a/.', '/..') {
            my $answer = $client->post('/entity/pool', form => [ name => $name ]);
            is($answer->{status}, 400, "creating $name");
            like($answer->{json}, qr/^'\Q$name\E' is not a valid name: /, 'says why');
            is($client->post('/resourcemanager/resourcemanager', form => [ name => $name ])->{status}, 400, "nor a manager $name");
        }
        $client->post('/resourcemanager/simpleentitynamemanager', form => [ name => "names-$kind", basename => 'a/../', digits => 1 ]);
        is($client->post("/resourcemanager/simpleentitynamemanager/names-$kind", form => [ driver => 'pool' ])->{status}, 400, 'nor by a manager of names');
        is($client->post("/resourcemanager/simpleentitynamemanager/names-$kind", form => [ driver => 'pool', resource => '..' ])->{status}, 400, 'nor one that is asked for');
        is($postgres->psql(q(select count(*) from entities where name ~ '(^|/)[.][.]?(/|$)')), 0, 'none is there');
        for my $name ("...$kind", "a/.b$kind", "a/b..$kind") {
            is($client->post('/entity/pool', form => [ name => $name ])->{status}, 201, "$name is a name");
            is($client->delete('/entity/pool/' . uri_encode($name))->{status}, 204, 'that can be deleted');
        }
    };
    $front->stop;
}

subtest 'reserved containers' => sub {
    my $at_top = Muster::Server->new(postgres => $postgres, more => slurp(source_dir() . '/etc/preferences-only.conf'));
    for ([ $server, '/preferences', ['__doc__'], ['__live__'] ], [ $at_top, '', [qw(__doc__ __live__ __ready__ __metrics__)], [] ]) {
        my ($muster, $mount, $reserved, $free) = @$_;
        my $front  = Muster::Front->new(server => $muster);
        my $client = $front->client(headers => { 'X-User-Id' => 'bob' });
        for my $name (@$reserved) {
            my $answer = $client->post("$mount/$name/key", json => 1);
            is("$answer->{status} $answer->{json}", '400 The container name is reserved.', "POST $mount/$name/key");
            is($client->put("$mount/$name", json => {})->{status}, 405, "PUT $mount/$name");
            is($client->delete("$mount/$name/key")->{status}, 204, 'one from before can be emptied');
        }
        is($client->post("$mount/$_/key", json => 1)->{status}, 204, "$mount/$_ is free") for @$free, 'other';
        is_deeply([ sort @{ $client->get("$mount/")->{json} } ], [ @$free, 'other' ], 'what there is');
        is($client->delete("$mount/")->{status}, 204, 'and that can be deleted');
        $front->stop;
    }
    is($at_top->stop, 0, 'muster ends');
};

subtest '--check-db' => sub {
    $postgres->psql("insert into entities (name, type, driver, version) values ('a/../b', 'pool', 'pool', 1), ('.', 'server', 'basicserver', 1), ('a..b/.c', 'pool', 'pool', 1)");
    my $report = $server->run_program(['--check-db']);
    is($report->{status}, 1, 'finds them');
    my @lines = grep { /segment/ } split /\n/, $report->{out};
    is(scalar @lines, 2, 'only those') or diag $report->{out};
    for my $name ('a/../b', '.') {
        my ($line) = grep { /\Q$name\E / } @lines;
        my ($sql)  = ($line // '') =~ /: (update entities set name = 'NEW' where entity_id = \d+)$/;
        ok(defined $sql, "tells how to rename $name") or next;
        $postgres->psql($sql =~ s/NEW/"new" . length $name/er);
    }
    unlike($server->run_program(['--check-db'])->{out}, qr/segment/, 'after that there is none');
    is($server->stop, 0, 'muster ends');
};

done_testing();
