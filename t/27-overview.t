# 27-overview.t: who one is, what drivers are, the units of a rack, what a manager can still give.
use v5.24;
use warnings;
use Muster::Client;
use Muster::World;
use Test::More;

my $world  = Muster::World->new(data => 0, conf => { drivers => [ { name => 'blade', parent => 'basicserver', type => 'server' } ] });
my $client = $world->client;

sub form { my ($status, $path, %form) = @_; is $client->request(POST => $path, form => \%form)->{status}, $status, "$path is done"; return }

subtest 'drivers' => sub {
    form(201, "/entity/blade", name => "b$_") for 1 .. 3;
    $world->postgres->psql("insert into entities (name, type, driver, version) values ('odd', 'thing', 'oddity', 1)");
    my $plain = $client->get('/driverlist')->{json};
    my $all   = $client->get('/driverlist', headers => { 'Clusto-Mode' => 'expanded' })->{json};
    is_deeply [ sort keys %$all ], [ sort keys %$plain, 'oddity' ], 'those of the plain list, and one that only the database knows';
    is_deeply $all->{blade}, {
        class => 'muster.drivers.blade', type => 'server', parent => 'basicserver', is => [qw(entity device basicserver blade)], count => 3,
        properties => { model => undef, manufacturer => undef }, has_ips => JSON::PP::true, is_manager => JSON::PP::false, contains => JSON::PP::false,
    }, 'one of the configuration';
    is_deeply $all->{oddity}, { count => 1 }, 'one that is not known';
    is_deeply $all->{basicrack}{properties}, { minu => 1, maxu => 45 }, 'properties that are numbers';
    is_deeply [ map { $all->{$_}{contains} ? 1 : 0 } qw(pool basicrack basicdatacenter basicserver ipmanager) ], [ 1, 1, 1, 0, 0 ], 'what contains';
    is_deeply [ map { $all->{$_}{is_manager} ? 1 : 0 } qw(pool ipmanager simplenamemanager) ], [ 0, 1, 1 ], 'what is a manager';
    is $client->get('/driverlist', headers => { 'Clusto-Mode' => 'huge' })->{status}, 409, 'another mode';
    form(201, '/entity/blade', name => 'b4');
    is $client->get('/driverlist', headers => { 'Clusto-Mode' => 'expanded' })->{json}{blade}{count}, 4, 'counted anew';
};

subtest 'units of a rack' => sub {
    form(201, '/entity/basicrack', name => 'r', minu => 3, maxu => 12);
    my $units = sub { return $client->get('/entity/basicrack/r/units') };
    is_deeply $units->()->{json}, { first => 3, last => 12, units => {}, free => [ [ 3, 12 ] ] }, 'an empty one';
    $client->request(POST => '/entity/basicrack/r', body => 'action=insert&device=b1&rackU=5&rackU=6', type => 'application/x-www-form-urlencoded');
    $client->request(POST => '/entity/basicrack/r', body => 'action=insert&device=b2&rackU=12', type => 'application/x-www-form-urlencoded');
    is_deeply $units->()->{json}, { first => 3, last => 12, units => { '/blade/b1' => [ 5, 6 ], '/blade/b2' => [12] }, free => [ [ 3, 4 ], [ 7, 11 ] ] }, 'what is in it';
    # By hand anything is possible: outside, and twice.
    $world->postgres->psql("insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version)"
        . " select (select entity_id from entities where name = 'r'), '_contains', 'ru', n, 'relation', (select entity_id from entities where name = 'b3'), 1 from unnest(array[1, 3, 12, 40]) n");
    is_deeply $units->()->{json}{free}, [ [ 4, 4 ], [ 7, 11 ] ], 'outside, and one unit twice';
    is $client->get('/entity/blade/b1/units')->{status}, 409, 'no rack';
    is $client->get('/entity/basicrack/none/units')->{status}, 404, 'no object';
    is $client->get('/entity/pool/r/units')->{status}, 409, 'of another driver';
};

subtest 'what managers can give' => sub {
    form(201, '/resourcemanager/ipmanager', name => 'net', baseip => '10.0.0.0', netmask => '255.255.255.240', gateway => '10.0.0.1');
    my $free = sub { return $client->get('/resourcemanager/ipmanager/net/free')->{json} };
    is_deeply $free->(), { free => [ [ '10.0.0.2', '10.0.0.14' ] ], size => 14, used => 1 }, 'a new one: the gateway is used';
    form(201, '/resourcemanager/ipmanager/net', object => 'b1', resource => "10.0.0.$_") for 2, 3, 7, 14;
    is_deeply $free->(), { free => [ [ '10.0.0.4', '10.0.0.6' ], [ '10.0.0.8', '10.0.0.13' ] ], size => 14, used => 5 }, 'what lies between';
    $client->request(DELETE => '/resourcemanager/ipmanager/net', form => { object => 'b1', resource => '10.0.0.3' });
    is_deeply $free->()->{free}[0], [ '10.0.0.3', '10.0.0.6' ], 'one came back';
    form(201, '/resourcemanager/ipmanager/net', object => 'b2') for 1 .. 10;
    is_deeply $free->(), { free => [], size => 14, used => 14 }, 'a full one';
    form(201, '/resourcemanager/ipmanager', name => 'odd net', baseip => '10.1.0.0', netmask => '24');
    $world->postgres->psql("insert into entity_attrs (entity_id, key, subkey, datatype, string_value, version) select entity_id, k, 'property', 'string', v, 1"
        . " from entities, (values ('first', '10.1.0.200'), ('last', '10.1.0.100')) x(k, v) where name = 'odd net'");
    is_deeply $client->get('/resourcemanager/ipmanager/odd%20net/free')->{json}, { free => [], size => 0, used => 0 }, 'a range that ends before it begins';
    form(201, '/resourcemanager/simplenamemanager', name => 'names', basename => 'n');
    form(201, '/resourcemanager/simplenamemanager/names', object => 'b1');
    is_deeply $client->get('/resourcemanager/simplenamemanager/names/free')->{json}, { free => undef, size => undef, used => 1 }, 'one of names';
    is $client->get('/resourcemanager/pool/b1/free')->{status}, 409, 'no manager';
    is $client->get('/resourcemanager/ipmanager/net/free', headers => { 'Clusto-As-Of' => 1 })->{json}, "Clusto-As-Of can't be obeyed here: it is for reads of objects, attributes, managers and lists.", 'nor what it could give in the past';
};

subtest 'search' => sub {
    my $search = sub { my ($q, @more) = @_; return $client->get('/search', query => { q => $q, @more }) };
    my $found  = sub { return join ' ', map { "$_->{object}:$_->{match}:" . ($_->{key} // $_->{in}) } @{ $search->(@_)->{json} } };
    form(201, '/entity/pool', name => $_) for qw(needle needles), 'the needle', 'a_b', 'axb', '100%';
    my $set = sub { is $client->request(POST => "/attribute/$_[0]", form => { key => $_[1], value => $_[2], @_[ 3 .. $#_ ] })->{status}, 201, "$_[0] has $_[1]"; return };
    $set->('b1', 'note',    'a Needle in it');
    $set->('b2', 'note',    'NEEDLE');
    $set->('b3', '_hidden', 'needle');
    $set->('b4', 'number',  4711, datatype => 'int');
    is $found->('needle'), '/pool/needle:exact:name /blade/b2:exact:note /pool/needles:beginning:name /pool/the needle:inside:name /blade/b1:inside:note',
        'exact, beginning, inside, and of each rank names first';
    is $found->('a_b'), '/pool/a_b:exact:name', 'no pattern';
    is $found->('%'), '/pool/100%:inside:name', '... this neither';
    is $found->('10.0.0.2'), '/blade/b1:exact:ip', 'an address';
    subtest 'numbers, times and objects, as they are shown' => sub {
        form(201, '/entity/pool', name => $_) for qw(p5 p6 p7);
        $set->('p5', 'serial', '-47110', datatype => 'int');
        $set->('p5', 'note',   'a 4711 in it');
        $set->('p6', 'hour',   '2026-11-28T10:15:00', datatype => 'datetime');
        $set->('p7', 'moment', '2026-11-28T10:15:00.000250', datatype => 'datetime');
        $set->('p7', 'friend', '/pool/the needle', datatype => 'relation');
        is $found->('4711'),   '/blade/b4:exact:number /pool/p5:inside:serial', 'a number that is it, and one that it is in: once, the first attribute';
        is $found->('471'),    '/blade/b4:beginning:number /pool/p5:inside:serial', '... its beginning';
        is $found->('-47'),    '/pool/p5:beginning:serial', '... with its sign';
        is $found->('04711'),  '', '... with what it has not';
        is_deeply $search->('4711')->{json}[0], { object => '/blade/b4', match => 'exact', in => 'attr', key => 'number', subkey => undef, value => '4711' }, 'the value is a text';
        is $found->('2026-11-28t10:15:00'), '/pool/p6:exact:hour /pool/p7:beginning:moment', 'a time';
        is $found->('2026-11-28'),          '/pool/p6:beginning:hour /pool/p7:beginning:moment', '... a day';
        is $found->('-28T10'),              '/pool/p6:inside:hour /pool/p7:inside:moment', '... inside';
        is $found->('00.000250'),           '/pool/p7:inside:moment', '... of a second';
        is $found->('00.0'),                '/pool/p7:inside:moment', '... only digits that are shown';
        is $search->('00.000250')->{json}[0]{value}, '2026-11-28T10:15:00.000250', '... as it is shown';
        is $found->('the needle'), '/pool/the needle:exact:name /pool/p7:inside:friend', 'what refers to it comes after it';
        is $search->('the needle')->{json}[1]{value}, '/pool/the needle', '... with its path';
        my $number = $world->postgres->psql("select int_value from entity_attrs where key = 'ip' and subkey is null limit 1");
        is $found->($number), '', 'not what an address is stored as';
    };
    is $found->('nothing like it'), '', 'nothing';
    is $search->('')->{status}, 412, 'without a text';
    is $client->get('/search', query => { q => 'x' }, headers => { 'Clusto-As-Of' => 1 })->{status}, 400, 'the past is not searched';
    is $search->('x', after => $_)->{status}, 400, "after=$_" for qw(x 9-1 0- 1-x);
    $world->postgres->psql("insert into entities (name, type, driver, version) select 'hay' || lpad(n::text, 3, '0'), 'pool', 'pool', 1 from generate_series(1, 120) n");
    my ($after, @walked, @sizes);
    do {
        my $answer = $search->('hay', defined $after ? (after => $after) : ());
        push @sizes, scalar @{ $answer->{json} };
        push @walked, map { $_->{object} } @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
        like $answer->{headers}{link}, qr{</search\?q=hay&after=\Q$after\E>; rel="next"}, 'a link to the next page' if defined $after;
    } while defined $after && @sizes < 10;
    is_deeply \@sizes, [ 50, 50, 20 ], 'pages';
    is_deeply \@walked, [ map { sprintf '/pool/hay%03d', $_ } 1 .. 120 ], '... of all';
};

subtest 'who one is' => sub {
    my $answer = $client->get('/__whoami__')->{json};
    is_deeply [ @$answer{qw(name by)} ], [ undef, 'nobody' ], 'nobody in particular';
    is_deeply $answer->{roles}, { map { $_ => [qw(read write allocate admin)] } qw(root entity attribute resourcemanager preferences) }, '... may do all';
    is $answer->{version}, $client->get('/__version__')->{json}, 'the version';
    is $client->get('/__whoami__', headers => { 'Clusto-Mode' => 'expanded' })->{status}, 200, 'in any mode';
};

$world->stop;
done_testing;
