# 53-allocate-several.t: count and adjacent: several resources at once, all or none, never twice, whoever
# else takes some meanwhile.
use v5.24;
use warnings;
use Muster::Client qw(parallel);
use Muster::World;
use Test::More;

my $world  = Muster::World->new(data => 0, conf => { workers => 4 });
my $client = $world->client;
my $port   = $world->front->port;

sub number { my ($text) = @_; return unpack 'N', pack 'C4', split /\./, $text }
sub text   { my ($number) = @_; return join '.', unpack 'C4', pack 'N', $number }
sub manager { my ($driver, $name, %properties) = @_; is $client->post("/resourcemanager/$driver", form => { name => $name, %properties })->{status}, 201, "$name is created"; return }
sub give { my ($path, %form) = @_; return $client->post("/resourcemanager/$path", form => \%form) }
sub addresses { my ($name) = @_; return map { $_->{value} } grep { ($_->{subkey} // '') eq 'ipstring' } @{ $client->get("/attribute/$name/ip")->{json} } }

# What an answer gives, as numbers of addresses.
sub taken { my ($answer) = @_; return map { $_->{value} + 2**31 } @{ $answer->{json} } }

is $client->post('/entity/basicserver', form => [ map { (name => "s$_") } 0 .. 16 ])->{status}, 201, 'servers';

subtest 'addresses' => sub {
    manager(ipmanager => 'net', baseip => '10.1.0.0', netmask => '28', gateway => '10.1.0.4');
    my $one = give('ipmanager/net', object => 's0', count => 1);
    is $one->{status}, 201, 'one';
    is ref $one->{json}, 'ARRAY', 'is a list of one';
    my $three = give('ipmanager/net', object => 's0', count => 3);
    is join(' ', map { text($_) } taken($three)), '10.1.0.2 10.1.0.3 10.1.0.5', 'the next three, without the gateway';
    is join(' ', addresses('s0')), '10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.5', 'all are there';
    my %numbers = map { $_->{number} => 1 } @{ $client->get('/attribute/s0/ip')->{json} };
    is scalar keys %numbers, 4, 'each with a number';
    is join(' ', map { text($_) } taken(give('ipmanager/net', object => 's1', count => 4, adjacent => 'true'))), '10.1.0.6 10.1.0.7 10.1.0.8 10.1.0.9', 'adjacent ones';
    is join(' ', map { text($_) } taken(give('ipmanager/net', object => 's2', count => 2))), '10.1.0.10 10.1.0.11', 'it goes on after them';
    my $none = give('ipmanager/net', object => 's2', count => 4);
    is "$none->{status} $none->{json}", '409 "net" has no 4 resources left, only 3', 'more than are left';
    is join(' ', addresses('s2')), '10.1.0.10 10.1.0.11', 'then none';
    is $client->delete('/resourcemanager/ipmanager/net', form => { object => 's0', resource => '10.1.0.2' })->{status}, 204, 'one is given back';
    my $apart = give('ipmanager/net', object => 's2', count => 4, adjacent => 'true');
    is $apart->{status}, 409, 'enough, but not adjacent';
    is join(' ', map { text($_) } taken(give('ipmanager/net', object => 's2', count => 4))), '10.1.0.12 10.1.0.13 10.1.0.14 10.1.0.2', 'it wraps';
    is give('ipmanager/net', object => 's2', adjacent => 'true')->{status}, 409, 'all are given';
};

subtest 'refusals' => sub {
    manager(simpleentitynamemanager => 'hosts', basename => 'h', digits => 2, leadingZeros => 1);
    manager(simplenamemanager => 'labels', basename => 'l', digits => 2, leadingZeros => 1);
    is give('ipmanager/net', object => 's0', count => $_)->{status}, 400, "count $_" for 0, -1, 257, 'x';
    is give('ipmanager/net', object => 's0', count => 2, resource => '10.1.0.2')->{status}, 400, 'with a resource';
    is give('ipmanager/net', object => 's0', adjacent => 'true', resource => '10.1.0.2')->{status}, 400, 'a resource is where it is';
    is give('simplenamemanager/labels', object => 's0', adjacent => 'true', count => 2)->{status}, 409, 'names are not adjacent';
    is give('simpleentitynamemanager/hosts', driver => 'basicserver', adjacent => 'true', count => 2)->{status}, 409, 'nor those of objects';
    is give('ipmanager/none', object => 's0', count => 2)->{status}, 404, 'no manager';
};

subtest 'names' => sub {
    is_deeply give('simpleentitynamemanager/hosts', driver => 'basicserver', count => 3)->{json}, [ map { "/basicserver/h0$_" } 1 .. 3 ], 'of new objects';
    is_deeply [ map { $_->{value} } @{ give('simplenamemanager/labels', object => 's0', count => 3)->{json} } ], [qw(l01 l02 l03)], 'of an object';
    my $many = give('simpleentitynamemanager/hosts', driver => 'basicserver', count => 97);
    is "$many->{status} $many->{json}", '409 "hosts" has no 97 resources left, only 96', 'more than there are';
    is $client->get('/by-name/h04')->{status}, 404, 'then none';
    is_deeply give('simpleentitynamemanager/hosts', driver => 'basicserver', count => 1)->{json}, ['/basicserver/h04'], 'and the counter stays';
};

subtest 'in a transaction' => sub {
    manager(ipmanager => 'other', baseip => '10.2.0.0', netmask => '24');
    my $done = $client->post('/transaction', json => [
        (map { { method => 'POST', path => '/resourcemanager/ipmanager/other', params => { object => "s$_", count => '5', adjacent => 'true' } } } 3 .. 5),
        { method => 'POST', path => '/resourcemanager/ipmanager/other', params => { object => 's6' } },
        { method => 'PUT', path => '/attribute/s6/main', params => { value => '${3#/value}' } },
    ]);
    is $done->{status}, 200, 'done' or diag $done->{body};
    is join(' ', map { scalar addresses("s$_") } 3 .. 6), '5 5 5 1', 'each has its own';
    $done = $client->post('/transaction', json => [
        { method => 'PUT', path => '/attribute/s7/wanted', params => { value => '3', datatype => 'int' } },
        map { { method => 'POST', path => '/resourcemanager/ipmanager/other', params => { object => $_, count => '${0#/0/value}' } } } 's7', 's8',
    ]);
    is $done->{status}, 200, 'how many is what another operation says' or diag $done->{body};
    is join(' ', map { scalar addresses($_) } 's7', 's8'), '3 3', 'so many';
    is give('ipmanager/other', object => 's7', count => '${0}')->{status}, 400, 'which is none elsewhere';
    my ($before, undef, $after) = @{ $client->post('/transaction', json => [
        (map { $_, { method => 'POST', path => '/resourcemanager/ipmanager/other', params => { object => 's8', count => '2' } }, $_ } { method => 'GET', path => '/resourcemanager/ipmanager/other/free' }),
    ])->{json} };
    is $after->{body}{used} - $before->{body}{used}, 2, 'what is free before and after';
};

# Four servers' workers, sixteen clients, one of two overlapping managers each; others take single ones.
subtest 'sixteen at once' => sub {
    manager(ipmanager => 'wide', baseip => '10.3.0.0', netmask => '22');
    manager(ipmanager => 'part', baseip => '10.3.0.0', netmask => '23');
    my @all = parallel(16, sub {
        my ($n) = @_;
        my $c = Muster::Client->new(port => $port);
        my @runs;
        for my $round (1 .. 4) {
            my $count = 1 + ($n + $round) % 5;
            my $form  = { object => "s$n", $n % 4 ? (count => $count, adjacent => 'true') : (count => $count) };
            for my $attempt (1 .. 20) {
                my $answer = $c->post('/resourcemanager/ipmanager/' . ($n % 2 ? 'wide' : 'part'), form => $form);
                next if $answer->{status} == 503;
                die "$answer->{status} $answer->{body}" if $answer->{status} != 201;
                push @runs, [ $n % 4 ? 1 : 0, $count, map { $_->{value} + 2**31 } @{ $answer->{json} } ];
                last;
            }
        }
        return \@runs;
    });
    my @died = grep { ref eq 'HASH' } @all;
    is scalar @died, 0, 'all are answered' or diag explain \@died;
    my (%holders, $apart, $short);
    for my $run (map { @{$_} } grep { ref eq 'ARRAY' } @all) {
        my ($adjacent, $count, @numbers) = @$run;
        $holders{$_}++ for @numbers;
        $short++ if @numbers != $count;
        $apart++ if $adjacent && grep { $numbers[$_] != $numbers[0] + $_ } 0 .. $#numbers;
    }
    is scalar(grep { $_ > 1 } values %holders), 0, 'nothing is given twice';
    is $short, undef, 'each has all that it asked for';
    is $apart, undef, 'adjacent ones are';
    is $world->postgres->psql("select count(*) - count(distinct int_value) from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null"), 0, 'nor in the database';
    is $world->postgres->psql("select count(*) from entity_attrs where key = 'ip' and subkey = 'ipstring' and deleted_at_version is null and string_value like '10.3.%'"), scalar keys %holders, 'which has no others';
};

done_testing();
