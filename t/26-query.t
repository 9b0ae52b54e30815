# 26-query.t: GET and POST /query: every production of the language, refusals, pages, and random questions
# against an evaluator over the same rows.
use v5.24;
use warnings;
use utf8;
use Encode ();
use JSON::PP ();
use List::Util qw(sum0);
use Muster::Data qw(python_inventory);
use Muster::Front;
use Muster::Process qw(processor_ms);
use Muster::Question;
use Muster::Server;
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $random = $ENV{MUSTER_QUESTIONS} // ($ENV{MUSTER_SLOW} ? 300 : 1_000);
my $fuzzed = $ENV{MUSTER_DAMAGED_QUESTIONS} // ($ENV{MUSTER_SLOW} ? 300 : 1_000);
my $world  = Muster::World->new(data => 0, conf => { drivers => [ { name => 'bladeserver', parent => 'basicserver', type => 'server' } ] });
my $client = $world->client;
my $pg     = $world->postgres;

# web1..web9 in pools and racks, circles, what was deleted, values of every datatype.
$pg->psql(Encode::encode('UTF-8', <<'END'));
insert into entities (name, type, driver, version)
    select 'web' || n, 'server', case when n % 3 = 0 then 'bladeserver' else 'basicserver' end, 1 from generate_series(1, 9) n
    union all select n, 'pool', 'pool', 1 from unnest(array['web', 'prod', 'empty', 'circle1', 'circle2', 'it''s', 'Zoë', '100%']) n
    union all select n, 'rack', 'basicrack', 1 from unnest(array['r1', 'r2', '77']) n
    union all select 'room', 'datacenter', 'basicdatacenter', 1
    union all select n, 'pool', 'unique_pool', 1 from unnest(array['once']) n;
insert into entities (name, type, driver, version, deleted_at_version) values ('gone', 'pool', 'pool', 1, 1), ('web10', 'server', 'basicserver', 1, 1);
create function pg_temp.id(text) returns integer language sql as 'select min(entity_id) from entities where name = $1';
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select pg_temp.id(c), '_contains', 0, 'relation', pg_temp.id(m), 1 from (values ('web', 'web1'), ('web', 'web2'), ('web', 'web3'), ('prod', 'web'), ('prod', 'web4'),
        ('r1', 'web1'), ('r1', 'web4'), ('r2', 'web2'), ('77', 'web5'), ('room', 'r1'), ('room', 'r2'), ('circle1', 'circle2'), ('circle2', 'circle1'), ('circle2', 'web6'),
        ('gone', 'web7'), ('it''s', 'web8'), ('once', 'web9'), ('web', 'web10'), ('Zoë', 'web8')) as v(c, m);
insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, version)
    select pg_temp.id('web' || n), 'system', 'memory', null, 'int', n * 1024, null, null::timestamp, 1 from generate_series(1, 6) n
    union all select pg_temp.id('web' || n), 'cpu', null, n % 2, 'string', null, (n * 5)::text, null, 1 from generate_series(1, 8) n
    union all select pg_temp.id('web' || n), 'bought', 'on', null, 'datetime', null, null, timestamp '2024-02-27' + n * interval '1 day', 1 from generate_series(1, 5) n
    union all select pg_temp.id('web6'), 'moment', null, null, 'datetime', null, null, timestamp '2026-11-07 10:00:07.5', 1
    union all select pg_temp.id('web1'), 'cpu', null, 0, 'int', 12, null, null, 1
    union all select pg_temp.id('web2'), 'note', null, null, 'string', null, v, null, 1 from unnest(array['a b', 'it''s', 'back\slash', '50%_', 'Zoë', '', 'zebra', repeat('long', 50)]) v
    union all select pg_temp.id('web3'), 'list', null, null, 'json', null, '[1, 2]', null, 1
    union all select pg_temp.id('web4'), 'a.b', 'c:d', 7, 'string', null, 'x', null, 1
    union all select pg_temp.id('web5'), 'retired', null, null, 'int', 1, null, null, 1
    union all select pg_temp.id('web' || n), 'ip', null, 0, 'int', ('10.1.' || n || '.7')::inet - '128.0.0.0'::inet, null, null, 1 from generate_series(1, 4) n
    union all select pg_temp.id('web' || n), 'ip', 'ipstring', 0, 'string', null, '10.1.' || n || '.7', null, 1 from generate_series(1, 4) n;
insert into entity_attrs (entity_id, key, subkey, datatype, int_value, version)
    select pg_temp.id(n), 'place', 'floor', 'int', f, 1 from (values ('room', 3), ('r2', 2), ('web1', 1)) as v(n, f);
insert into entity_attrs (entity_id, key, datatype, relation_id, version)
    select pg_temp.id('web' || n), 'owner', 'relation', pg_temp.id(case when n < 3 then 'prod' else 'gone' end), 1 from generate_series(1, 3) n;
insert into entity_attrs (entity_id, key, datatype, string_value, version, deleted_at_version) values (pg_temp.id('web1'), 'old', 'string', 'x', 1, 1);
END

sub query {
    my ($q, %headers) = @_;
    return $client->get('/query', query => { q => $q }, headers => \%headers);
}

# The names that the question finds, or what was said instead.
sub found {
    my ($q) = @_;
    my $answer = query($q);
    return "$answer->{status} $answer->{body}" if $answer->{status} != 200;
    return join ' ', map { s{^/\w+/}{}r } @{ $answer->{json} };
}

# All pages after one another.
sub walk {
    my ($q, $per, $to) = @_;
    my ($after, @walked) = (0);
    while (defined $after) {
        my $answer = ($to // $client)->request(POST => '/query', form => { q => $q }, headers => { 'Clusto-After' => $after, 'Clusto-Per-Page' => $per });
        last if $answer->{status} != 200;
        push @walked, @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
    }
    return @walked;
}

subtest 'each production' => sub {
    my @cases = (
        'name = web1'                              => 'web1',
        'name == web1'                             => 'web1',
        'name is web1'                             => 'web1',
        'NAME IS web1'                             => 'web1',
        'name = WEB1'                              => '',
        'name != web1 and type = server'           => 'web2 web3 web4 web5 web6 web7 web8 web9',
        'name <> web1 & name isnt web2 and type = server and name < web4' => 'web3',
        'name in (web1, "web2", web10)'            => 'web1 web2',
        'name ^ web and type = pool'               => 'web',
        'name startswith web8'                     => 'web8',
        'name ~ eb7 or name contains oo'           => 'web7 room',
        'name like *b?'                            => 'web1 web2 web3 web4 web5 web6 web7 web8 web9',
        'name like 100%'                           => '100%',
        'name ~ %'                                 => '100%',
        "name = 'it\\'s'"                          => q{it's},
        'name = "it\'s"'                           => q{it's},
        'name = Zoë'                               => 'Zoë',
        'name exists and type = rack'              => 'r1 r2 77',
        'name = web1 or name = web2 and name = web3' => 'web1',
        '(name = web1 or name = web2) and name = web2' => 'web2',
        'type = rack - name = r1'                  => 'r2 77',
        'type = rack and not name = r1'            => 'r2 77',
        'type = rack and ! name = r1 | name = web1' => 'web1 r2 77',
        'driver = bladeserver'                     => 'web3 web6 web9',
        'type in (rack, datacenter)'               => 'r1 r2 77 room',
        'is basicserver'                           => 'web1 web2 web3 web4 web5 web6 web7 web8 web9',
        'is device and not is bladeserver'         => 'web1 web2 web4 web5 web7 web8',
        'is pool and name > web'                   => '',
        'is nothing'                               => '',
        'within prod'                              => 'web1 web2 web3 web4 web',
        'directly within prod'                     => 'web4 web',
        'within room'                              => 'web1 web2 web4 r1 r2',
        'within circle1'                           => 'web6 circle1 circle2',
        'within gone'                              => '',
        'has web1'                                 => 'web prod r1 room',
        'has web10'                                => '',
        'has circle1'                              => 'circle1 circle2',
        'pool = web'                               => 'web1 web2 web3',
        'pool = web and rack ^ r1'                 => 'web1',
        'pool = prod and type = server'             => 'web1 web2 web3 web4',
        'pool != prod and type = server'             => 'web5 web6 web7 web8 web9',
        'is basicserver and not pool exists'            => 'web5 web7',
        'datacenter = room and is basicserver'     => 'web1 web2 web4',
        'rack = 77'                                => 'web5',
        'rack in (r2, 77)'                         => 'web2 web5',
        'pool like *i?'                            => '',
        "pool = 'it\\'s' and pool = Zoë"           => 'web8',
        'refers prod'                              => 'web1 web2',
        'refers gone'                              => '',
        'refers web1'                              => '',
        'attr owner = /pool/prod'                  => 'web1 web2',
        'attr owner exists'                        => 'web1 web2',
        'attr system.memory exists'                => 'web1 web2 web3 web4 web5 web6',
        'attr system.memory = 2048'                => 'web2',
        'attr system.memory = 2K'                  => 'web2',
        "attr system.memory = '2K'"                => '',
        'attr system.memory >= 5K'                 => 'web5 web6',
        'attr system.memory < 2000'                => 'web1',
        'attr system.memory in (1K, 3072, x)'      => 'web1 web3',
        'attr system.memory ~ 07'                  => 'web3',
        'attr system.disk exists'                  => '',
        'attr cpu = 5'                             => 'web1',
        'attr cpu >= 35'                           => 'web7 web8',
        'attr cpu < 11'                            => 'web1 web2',
        'attr cpu:0 >= 12 and attr cpu < 13'       => 'web1',
        'attr cpu < 10000000000000000000 and attr cpu > -10000000000000000000' => 'web1 web2 web3 web4 web5 web6 web7 web8',
        'attr system.memory >= 1000000000000000000000' => '',
        'attr system.memory < 1000000000000000000000'  => 'web1 web2 web3 web4 web5 web6',
        'rack < 1000000000000000000000'            => 'web5',
        'attr cpu:1 exists and name < web4'        => 'web1 web3',
        'attr bought.on = 2024-02-29'              => 'web2',
        'attr bought.on > 2024-02-29'              => 'web3 web4 web5',
        "attr bought.on <= '2024-02-29 00:00:00'"  => 'web1 web2',
        'attr bought.on ^ 2024-03'                 => 'web3 web4 web5',
        'attr moment = 2026-11-07T10:00:07'        => '',
        'attr moment > 2026-11-07T10:00:07'        => 'web6',
        'attr moment = 2026-11-07T10:00:07.5'      => 'web6',
        'attr moment = 2026-11-07T10:00:07.500000' => 'web6',
        'attr moment < 2026-11-07T10:00:07.500001' => 'web6',
        'attr note = "a b"'                        => 'web2',
        'attr note = "back\\\\slash"'              => 'web2',
        'attr note ~ "\\\\"'                       => 'web2',
        'attr note like "50%_"'                    => 'web2',
        'attr note like "5*_"'                     => 'web2',
        'attr note = ""'                           => 'web2',
        'attr note ~ longlong'                     => 'web2',
        'attr note = ' . 'long' x 50               => 'web2',
        'attr note = ' . 'long' x 49               => '',
        'attr list = "[1,2]"'                      => 'web3',
        'attr "a.b"."c:d":7 = x'                   => 'web4',
        q{attr 'a.b' exists}                       => 'web4',
        'attr old exists'                          => '',
        'attr retired exists'                      => 'web5',
        'attr _contains exists and type = pool and not name = web' => q{prod circle1 circle2 it's Zoë once},
        'attr retired != 1 and name in (web4, web5)' => 'web4',
        'attr inherited place.floor = 3'             => 'web4 r1 room',
        'attr inherited place.floor = 1 or attr inherited place.floor = 2' => 'web1 web2 r2',
        'attr inherited place exists and type = server' => 'web1 web2 web4',
        'attr inherited place.floor != 3 and name in (web1, web4, web5)' => 'web1 web5',
        'attr inherited cpu = 5'                     => 'web1',
        'ip = 10.1.2.7'                            => 'web2',
        'ip in 10.1.2.0/23'                        => 'web2 web3',
        'ip in 10.1.2.7/32'                        => 'web2',
        'ip in 0.0.0.0/0'                          => 'web1 web2 web3 web4',
        'ip in (10.1.1.7, 10.1.4.7)'               => 'web1 web4',
        'ip in (10.1.2.0/23)'                      => 'web2 web3',
        'ip in (10.1.1.0/24, "10.1.4.0/24", 10.9.0.0/16)' => 'web1 web4',
        'ip in (10.1.1.7, 10.1.2.0/23, 10.1.3.0/24)' => 'web1 web2 web3',
        'ip in (10.1.4.7/32, 10.1.4.7, nothing)'   => 'web4',
        'ip in (0.0.0.0/0, 10.0.0.0/8)'            => 'web1 web2 web3 web4',
        'type = server and not ip in (10.1.1.7, 10.1.2.0/23)' => 'web4 web5 web6 web7 web8 web9',
        '!ip in (10.1.1.0/24, 10.1.2.0/23) and is basicserver and ip exists' => 'web4',
        'is basicserver and ip in (10.1.1.0/24, 10.1.4.0/24) and name != web1' => 'web4',
        'ip > 10.1.2.200'                          => 'web3 web4',
        'ip <= 10.1.1.7'                           => 'web1',
        'ip ^ 10.1.3.'                             => 'web3',
        'ip exists and not ip = 10.1.1.7'          => 'web2 web3 web4',
        'type = server and ip != 10.1.1.7 and name < web4' => 'web2 web3',
        'is basicserver and attr system.memory >= 1K and pool = web and not attr retired exists' => 'web1 web2 web3',
    );
    while (my ($q, $names) = splice @cases, 0, 2) {
        is found($q), $names, $q;
    }
    is scalar @{ query('all')->{json} }, $pg->psql('select count(*) from entities where deleted_at_version is null'), 'all';
};

subtest 'refusals' => sub {
    for my $case (
        [ 'name'             => 'line 1, column 5: "name" is followed by nothing; an operator is expected: = != < <= > >= ^ ~ in like exists' ],
        [ "name = web1\nand" => 'line 2, column 4: "and" is followed by nothing; a test is expected' ],
        [ 'name = Zoë x'     => 'line 1, column 12: "Zoë" is followed by "x"; and, or or the end of the query is expected' ],
        [ 'name = a; drop'   => 'line 1, column 9: "a" is followed by ";"; ' ],
        [ "name = 'a"        => 'line 1, column 8: "=" is followed by a quoted text without its end; a value is expected' ],
        [ '(name = a'        => 'line 1, column 10: "a" is followed by nothing; and, or or ) is expected' ],
        [ 'size = 1'         => 'line 1, column 1: the query begins with "size"; a test is expected' ],
        [ join(' or ', ('all and name = x') x 65) => 'more than 64 tests (query_tests)' ],
        [ '(' x 33 . 'all' . ')' x 33 => 'more than 32 levels' ],
        [ 'name in (' . join(',', (1) x 1001) . ')' => 'more than 1000 values' ],
        [ 'name = ' . 'x' x 4090 => 'the query is longer than 4096 bytes' ],
    ) {
        my ($q, $message) = @$case;
        my $answer = query($q);
        is $answer->{status}, 400, substr $q, 0, 40;
        like $answer->{json}, qr/\Q$message\E/, '... with its message';
    }
    is $client->get('/query')->{status}, 412, 'without a question';
    is $client->get('/query', query => { q => '' })->{status}, 412, 'an empty one';
    is $client->get('/query', query => { q => 'all', x => 1 })->{status}, 400, 'another parameter';
    is query('all', 'Clusto-Mode' => 'huge')->{status}, 409, 'another mode';
    is query('all', 'Clusto-Page' => 'x')->{status}, 400, 'no page';
};

# More shapes of questions than a session keeps prepared, again and again, and one that is cancelled.
subtest 'prepared statements' => sub {
    for my $round (1 .. 2) {
        for my $n (1 .. 20) {
            my $q = join ' or ', map { "name = web$_" } (1) x $n;
            is found($q), 'web1', "$n tests" if found($q) ne 'web1';
        }
    }
    is found('name = web1'), 'web1', 'and the first one again';
};

subtest 'as every list' => sub {
    my $answer = query('is device', 'Clusto-Page' => 2, 'Clusto-Per-Page' => 4);
    is_deeply $answer->{json}, [ map { $_->[0] } ['/basicserver/web5'], ['/bladeserver/web6'], ['/basicserver/web7'], ['/basicserver/web8'] ], 'a page';
    is_deeply [ @{ $answer->{headers} }{qw(clusto-page clusto-pages clusto-per-page)} ], [ 2, 3, 4 ], '... of so many';
    my ($after, @walked) = (0);
    while (defined $after && @walked < 20) {
        $answer = query('pool = prod and is device', 'Clusto-After' => $after, 'Clusto-Per-Page' => 3);
        push @walked, @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
        like $answer->{headers}{link}, qr{</query\?q=[^>]*clusto_after=$after}, 'a link to the next page' if defined $after;
    }
    is_deeply \@walked, [ map { "/$_" } qw(basicserver/web1 basicserver/web2 bladeserver/web3 basicserver/web4) ], 'page after page';
    my $whole = query('name = web1', 'Clusto-Mode' => 'expanded')->{json};
    is_deeply [ map { $_->{name} } @$whole ], ['web1'], 'expanded';
    is_deeply $whole, [ $client->get('/by-name/web1')->{json} ], '... as the object itself';
    is query('name = web1', 'Clusto-Minify' => 'true')->{body}, '["/basicserver/web1"]', 'minified';
    is_deeply $client->request(POST => '/query', form => { q => 'name in (web1, web2)' })->{json}, [ '/basicserver/web1', '/basicserver/web2' ], 'POST reads a form';
    my $versions = $pg->psql('select count(*) from clustoversioning');
    $client->request(POST => '/query', form => { q => 'all' });
    is $pg->psql('select count(*) from clustoversioning'), $versions, '... and makes no version';
    is query('name = web1')->{status}, 200, 'cached or not';
    $client->request(POST => '/attribute/web9', form => { key => 'fresh', value => 'yes' });
    is found('attr fresh = yes'), 'web9', 'what was written is found at once';
    $client->request(DELETE => '/attribute/web9/fresh');
    is found('attr fresh = yes'), '', '... and what was deleted is not';
};

sub processor_time_of_columns {
    my ($count) = @_;
    my $used = sub { return sum0 map { processor_ms($_) } $world->server->workers };
    my $before = $used->();
    my $answer = $client->post('/query', form => { q => 'name = web1', fields => join ',', map { "attr k$_" } 1 .. $count }, timeout => 120);
    is_deeply [ $answer->{status}, scalar keys %{ ref $answer->{json} ? $answer->{json}[0] : {} } ], [ 200, $count ], "$count columns";
    return $used->() - $before;
}

subtest 'columns, lines, CSV' => sub {
    my $ask = sub { my ($q, $fields, %headers) = @_; return $client->get('/query', query => { q => $q, defined $fields ? (fields => $fields) : () }, headers => \%headers) };
    is_deeply $ask->('name = web1', 'name, driver,type,path,ips,parents,contents,attr system.memory,attr cpu,attr cpu:0,attr "a.b"')->{json}, [ {
        name => 'web1', driver => 'basicserver', type => 'server', path => '/basicserver/web1', ips => ['10.1.1.7'], parents => [ '/pool/web', '/basicrack/r1' ], contents => [],
        'attr system.memory' => [1024], 'attr cpu' => [ '5', 12 ], 'attr cpu:0' => [12], 'attr "a.b"' => [],
    } ], 'every column';
    is_deeply $ask->('name in (web1, web2)', 'attr owner', 'Clusto-Mode' => 'expanded')->{json}, [ ({ 'attr owner' => ['/pool/prod'] }) x 2 ], 'fields before the mode';
    for my $bad ('', 'name,', 'nmae', 'name name', 'name,name', 'attr', 'attr a:b', "attr 'x") {
        my $answer = $ask->('all', $bad);
        is $answer->{status}, length $bad ? 400 : 200, "fields=$bad";
    }
    is $ask->('all', 'name,attr a,type,attr a')->{json}, q{The column 'attr a' is named twice.}, 'a column that is named twice';
    # Each is compared with a few others: with all of them four times as many took sixteen times as long. So they do
    # under the sanitizers, whose strspn() looks at all of the text that follows.
    my @counts = $ENV{MUSTER_SANITIZED} ? (500, 2_000) : (15_000, 60_000);
    my @used   = map { processor_time_of_columns($_) } @counts;
    cmp_ok $used[1], '<', 8 * $used[0] + 100, "many columns: @counts take @used ms";
    my $lines = $ask->('pool = web', undef, Accept => 'application/x-ndjson');
    is $lines->{headers}{'content-type'}, 'application/x-ndjson', 'lines';
    is $lines->{body}, join('', map { "\"/$_\"\n" } qw(basicserver/web1 basicserver/web2 bladeserver/web3)), '... of paths';
    is $ask->('pool = web', 'name,attr system.memory', Accept => 'application/x-ndjson')->{body}, join('', map { qq({"name": "web$_", "attr system.memory": [@{[ $_ * 1024 ]}]}\n) } 1 .. 3), '... of columns';
    my @whole = split /\n/, $ask->('pool = web', undef, Accept => 'application/x-ndjson', 'Clusto-Mode' => 'expanded')->{body};
    is_deeply [ map { JSON::PP->new->utf8->decode($_) } @whole ], $ask->('pool = web', undef, 'Clusto-Mode' => 'expanded')->{json}, '... of whole objects';
    is $ask->('name = nothing', undef, Accept => 'application/x-ndjson')->{body}, '', '... none';
    my $csv = $ask->('name = web1 or name = empty', undef, Accept => 'text/csv');
    like $csv->{headers}{'content-type'}, qr{^text/csv; charset=UTF-8}i, 'CSV';
    is $csv->{body}, "name,driver,type,ips,parents\r\nweb1,basicserver,server,10.1.1.7,/pool/web /basicrack/r1\r\nempty,pool,pool,,\r\n", '... with a header line';
    $client->request(POST => '/attribute/empty', body => JSON::PP->new->utf8->encode([ map { { key => 'cell', value => $_ } } '=1+1', 'a,b', "two\nlines", 'say "x"' ]), type => 'application/json');
    $client->request(POST => '/attribute/empty', form => { key => 'formula', value => $_ }) for '@x';
    is $ask->('name = empty', 'attr formula,attr cell', Accept => 'text/csv, */*;q=0.1')->{body}, qq(attr formula,attr cell\r\n\@x,"=1+1 a,b two\nlines say ""x"""\r\n), '... quoted';
    is $ask->('name in (web1, empty)', 'attr formula', Accept => 'text/csv')->{body}, qq(attr formula\r\n""\r\n\@x\r\n), '... of one column, without a blank line, which readers skip';
    my $safe = $client->get('/query', query => { q => 'name = empty', fields => 'attr formula,attr cell', csv_safe => 'true' }, headers => { Accept => 'text/csv' });
    is $safe->{body}, qq(attr formula,attr cell\r\n'\@x,"'=1+1 a,b two\nlines say ""x"""\r\n), '... safe for spreadsheets';
    is $ask->('pool = web', 'name', Accept => 'text/csv', 'Clusto-After' => 0, 'Clusto-Per-Page' => 1)->{body}, "name\r\nweb1\r\n", '... a page';
    for (1 .. 2) {
        is $ask->('pool = prod', undef)->{headers}{'content-type'}, 'application/json', 'the cache tells JSON';
        like $ask->('pool = prod', undef, Accept => 'text/csv')->{headers}{'content-type'}, qr{^text/csv}, '... from CSV';
    }
    is $ask->('pool = prod', undef, Accept => "text/csv;q=$_, application/json")->{headers}{'content-type'}, 'application/json', "not CSV of the weight $_ beside JSON" for '0', '0.9';
    like $ask->('pool = prod', undef, Accept => 'application/json;q=0.5, text/csv;q=0.8')->{headers}{'content-type'}, qr{^text/csv}, 'the greatest weight counts';
    is $ask->('all all', undef, Accept => 'text/csv')->{headers}{'content-type'}, 'application/json', 'a refusal is JSON';
    $client->request(DELETE => "/attribute/empty/$_") for qw(cell formula);
};

subtest 'counts, versions' => sub {
    my $count = sub { my ($q, $by, %headers) = @_; return $client->get('/query', query => { q => $q, count_by => $by }, headers => \%headers) };
    my $pairs = sub { return join ' ', map { "$_->{value}=$_->{count}" } @{ $count->(@_)->{json} } };
    is $pairs->('name ^ web and type = server', 'driver'), 'basicserver=6 bladeserver=3', 'by driver';
    is $pairs->('all', $_), $pg->psql("select string_agg($_ || '=' || n, ' ' order by n desc, $_ collate \"C\") from (select $_, count(*) as n from entities where deleted_at_version is null group by 1) c"), "all by $_"
        for qw(driver type);
    is $pairs->('name in (web1, web2, web3)', 'parents'), '/pool/web=3 /basicrack/r1=1 /basicrack/r2=1', 'by what they are in';
    is $pairs->('name in (web, prod)', 'contents'), '/basicserver/web1=1 /basicserver/web2=1 /basicserver/web4=1 /bladeserver/web3=1 /pool/web=1', 'by what is in them';
    is $pairs->('name in (web1, web2)', 'ips'), '10.1.1.7=1 10.1.2.7=1', 'by address';
    is $pairs->('is device', 'attr cpu'), '10=1 12=1 15=1 20=1 25=1 30=1 35=1 40=1 5=1', 'by an attribute, as text';
    is $pairs->('is device', 'attr cpu:0'), '10=1 12=1 20=1 30=1 40=1', '... by its number';
    is $pairs->('is device', 'attr owner'), '/pool/prod=2', '... a relation';
    is $pairs->('is device', 'attr system.memory'), join(' ', map { "$_=1" } sort map { $_ * 1024 } 1 .. 6), '... with its subkey';
    is $pairs->('name = nothing', 'name'), '', 'of nothing';
    is $pairs->('name = web1', 'path'), '/basicserver/web1=1', 'by path';
    is $count->('name ^ web and type = server', 'driver', Accept => 'text/csv')->{body}, "value,count\r\nbasicserver,6\r\nbladeserver,3\r\n", 'as CSV';
    is $count->('name = web1', 'name', Accept => 'application/x-ndjson')->{body}, qq({"value": "web1", "count": 1}\n), 'as lines';
    is $count->('all', $_)->{status}, 400, "count_by=$_ is refused" for 'nothing', 'name,driver';
    is $client->get('/query', query => { q => 'all', count_by => 'name', fields => 'name' })->{status}, 400, 'so are both';

    my $version = sub { return $client->get('/query', query => { q => $_[0], fields => 'name,version' }, headers => { $_[1] ? ('Clusto-As-Of' => $_[1]) : () })->{json}[0]{version} };
    my $write   = sub { return $client->request(@_)->{headers}{'clusto-version'} };
    my $made = $write->(POST => '/entity/pool', form => { name => 'versioned' });
    is $version->('name = versioned'), $made, 'the version that made it';
    my $set = $write->(POST => '/attribute/versioned', form => { key => 'a', value => 1 });
    is $version->('name = versioned'), $set, '... that set an attribute';
    my $put = $write->(POST => '/entity/pool/versioned', form => { action => 'insert', device => 'web9' });
    is $version->('name = versioned'), $put, '... that put something in it';
    is $version->('name = web9'), $put, '... what was put there, too';
    my $gone = $write->(DELETE => '/attribute/versioned/a');
    is $version->('name = versioned'), $gone, '... that deleted an attribute';
    is $version->('name = versioned', $set), $set, '... and of the past';
    my %then = (headers => { 'Clusto-As-Of' => $set });
    for my $question ({ q => 'attr a = 1' }, { q => 'name = versioned', fields => 'name,attr a' }, { q => 'attr a exists', count_by => 'attr a' }) {
        my ($get, $post, $now) = ($client->get('/query', query => $question, %then), $client->post('/query', form => $question, %then), $client->post('/query', form => $question));
        is $post->{status}, 200, "POST as of a version: $question->{q}";
        is $post->{body}, $get->{body}, '... is answered as GET is';
        isnt $post->{body}, $now->{body}, '... not as of now';
        is $post->{headers}{$_}, $get->{headers}{$_}, "... with $_" for qw(clusto-as-of clusto-as-of-exact clusto-as-of-time);
        is $post->{headers}{etag}, undef, '... without an entity tag';
    }
    my @pages = map { $client->request($_ => '/query', ($_ eq 'GET' ? 'query' : 'form') => { q => 'name ^ web' }, headers => { 'Clusto-As-Of' => $set, 'Clusto-After' => 0, 'Clusto-Per-Page' => 3 }) } qw(GET POST);
    is $pages[1]{body}, $pages[0]{body}, 'so is a page';
    is $pages[1]{headers}{'clusto-next'}, $pages[0]{headers}{'clusto-next'}, '... that has the same next one';
    is $client->post('/query', form => { q => 'all' }, headers => { 'Clusto-As-Of' => '2147483647' })->{status}, 400, 'not of the future';
    is $client->post('/query', form => { q => 'name = versioned' }, headers => { 'Clusto-Min-Version' => $gone })->{json}[0], '/pool/versioned', 'nor older than a version';
    is $pairs->('name = versioned', 'version'), "$gone=1", 'counted by version';
    is scalar(grep { !$_->{version} } @{ $client->get('/query', query => { q => 'all', fields => 'name,version' })->{json} }), 0, 'all have one';
};

my %parents = (bladeserver => 'basicserver', basicserver => 'device', device => 'entity', entity => '', pool => 'entity', unique_pool => 'pool', basicrack => 'location',
    basicdatacenter => 'location', location => 'entity', clustometa => 'entity', basicnetworkswitch => 'device', resourcemanager => 'entity', ipmanager => 'resourcemanager',
    simplenamemanager => 'resourcemanager', simpleentitynamemanager => 'simplenamemanager');

# Questions that were damaged: words that are missing, come twice, stand elsewhere, or are others.
subtest "$fuzzed damaged questions" => sub {
    my $question = Muster::Question->new($pg, \%parents);
    my @pieces = (qw(and or not ( ) in = != < ~ like exists is within has attr inherited directly ip name pool - '), ',', '"', '\\', '%', "\x{e9}", "\n", '2024-02-30', '99999999999999999999', '10.0.0.0/99', 'x' x 300);
    my ($seed, %status, @bad) = ($ENV{MUSTER_SEED} // int rand 2**31);
    srand $seed;
    diag "MUSTER_SEED=$seed";
    for (1 .. $fuzzed) {
        my ($q) = $question->random(1 + int rand 5);
        my @words = split /(\s+|(?<=\()|(?=\)))/, $q;
        for (1 .. 1 + rand 4) {
            my $at = int rand @words;
            my $how = int rand 4;
            splice @words, $at, $how == 0 ? 1 : 0, $how == 0 ? () : $how == 1 ? $words[ rand @words ] : (' ', $pieces[ rand @pieces ], ' ');
        }
        my $damaged = join '', grep { defined } @words;
        my $answer  = $client->request(POST => '/query', form => { q => $damaged }, headers => { 'Clusto-After' => 0, 'Clusto-Per-Page' => 10 });
        $status{ $answer->{status} }++;
        next if $answer->{status} == 200 || ($answer->{status} == 412 && $damaged !~ /\S/);
        next if $answer->{status} == 400 && $answer->{json} =~ /^line \d+, column \d+: .|^the query is longer/;
        push @bad, "$answer->{status} $answer->{body}\n$damaged" if @bad < 3;
    }
    is join("\n", @bad), '', 'each is answered, or refused with its place';
    cmp_ok $status{200} // 0, '>', $fuzzed / 50, 'some can still be read';
    cmp_ok $status{400} // 0, '>', $fuzzed / 5, '... and many not';
};

# Networks in lists, in all that asks for what is not there any more.
subtest 'networks of the past' => sub {
    my $ip = sub { return { address => "10.77.$_[0].$_[1]", number => unpack('N', pack 'C4', 10, 77, @_) - 2**31 } };
    my %ip = map { ("$_" => $ip->(split /\./)) } '0.1', '1.1', '2.1';
    my $cursor = $client->get('/changes', query => { since => 'now' })->{headers}{'clusto-next'};
    my $before;
    for my $name (sort keys %ip) {
        my @attrs = ([ undef, int => $ip{$name}{number} ], [ ipstring => string => $ip{$name}{address} ]);
        is $client->post('/entity/basicserver', form => { name => "past$name" })->{status}, 201, "past$name";
        is $client->post("/attribute/past$name", form => { key => 'ip', number => 0, datatype => $_->[1], value => $_->[2], $_->[0] ? (subkey => $_->[0]) : () })->{status}, 201, '... with its address' for @attrs;
        $before = $pg->psql('select max(version) from clustoversioning');
    }
    $client->delete("/attribute/past$_/ip") for sort keys %ip;
    my %list  = ('10.77.0.0/24, 10.77.2.0/24' => 'past0.1 past2.1', '10.77.0.1, 10.77.2.0/24' => 'past0.1 past2.1', '10.77.0.0/22' => 'past0.1 past1.1 past2.1', '10.78.0.0/16, 10.77.0.1' => 'past0.1');
    my $names = sub { return join ' ', map { s{.*/}{}r } @_ };
    for my $list (sort keys %list) {
        my %then = ('Clusto-As-Of' => $before);
        is found("ip in ($list)"), '', "($list): no more";
        is $names->(@{ query("ip in ($list)", %then)->{json} }), $list{$list}, '... but then';
        is $names->(@{ query("name ^ past and !ip in ($list)", %then)->{json} }), $names->(grep { " $list{$list} " !~ / \Q$_\E / } map { "past$_" } sort keys %ip), '... and not the others';
        my %seen = map { ($_->{object} => 1) } @{ $client->get('/changes', query => { since => $cursor, q => "ip in ($list)" })->{json} };
        is $names->(sort keys %seen), $list{$list}, '... changed';
    }
};

# Random questions to a client, with what the evaluator over the same rows finds.
sub ask_randomly {
    my ($count, $to, $question) = @_;
    my $seed = $ENV{MUSTER_SEED} // int rand 2**31;
    my ($wrong, $some) = (0, 0);
    srand $seed;
    diag "MUSTER_SEED=$seed";
    for (1 .. $count) {
        my ($q, $accepts) = $question->random(1 + int rand 6);
        my $expected = $question->find($accepts);
        my $answer   = $to->request(POST => '/query', form => { q => $q });
        my $same     = $answer->{status} == 200 && "@{ $answer->{json} }" eq "@$expected";
        # The same in pages, which are made by other plans.
        if ($same && @$expected) {
            my ($per, $page) = (1 + int rand @$expected, 1 + int rand 2);
            my @part = splice @{ [@$expected] }, ($page - 1) * $per, $per;
            $answer = $to->request(POST => '/query', form => { q => $q }, headers => { 'Clusto-Page' => $page, 'Clusto-Per-Page' => $per });
            $same   = $answer->{status} == 200 && "@{ $answer->{json} }" eq "@part" && $answer->{headers}{'clusto-pages'} == int((@$expected + $per - 1) / $per);
            my @walked = $same ? walk($q, $per, $to) : ();
            $same &&= "@walked" eq "@$expected";
        }
        $some++ if @$expected;
        next if $same;
        diag "$q\nanswer $answer->{status}: $answer->{body}\nexpected @$expected" if $wrong++ < 3;
    }
    is $wrong, 0, 'all are answered as the evaluator does';
    cmp_ok $some, '>', $count / 4, '... and many find something';
    return;
}

subtest "$random random questions" => sub { ask_randomly($random, $client, Muster::Question->new($pg, \%parents)) };

subtest 'random questions about what Python clusto made' => sub {
    my $database = $pg->create_database('python');
    # The evaluator knows no parts of seconds.
    $pg->psql(python_inventory() . q{update entity_attrs set datetime_value = date_trunc('second', datetime_value)}, database => $database);
    my $server   = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($database), schema => 0);
    my $front    = Muster::Front->new(server => $server, cors => 0);
    my $question = Muster::Question->new($pg, \%parents, database => $database);
    subtest 'before --init-db' => sub { ask_randomly($random / 5, $front->client, $question) };
    $server->init_db;
    $server->restart;
    subtest 'after it' => sub { ask_randomly($random / 5, $front->client, $question) };
    $front->stop;
    $server->stop;
};

# What has more rows than are sorted for a page is not walked but looked for among all objects.
subtest 'large ranges' => sub {
    $pg->psql(<<'END');
insert into entities (name, type, driver, version) select 'big' || n, 'pool', 'pool', 1 from generate_series(1, 30) n;
insert into entities (name, type, driver, version) select 'small' || n, 'appliance', 'basicappliance', 1 from generate_series(1, 400) n;
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select c.entity_id, '_contains', 0, 'relation', m.entity_id, 1 from entities c cross join entities m where c.name like 'big%' and m.name like 'small%';
insert into entity_attrs (entity_id, key, number, datatype, int_value, version)
    select m.entity_id, 'ip', n, 'int', '172.16.0.0'::inet - '128.0.0.0'::inet + n, 1 from entities m cross join generate_series(1, 30) n where m.name like 'small%';
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select m.entity_id, 'uses', n, 'relation', (select entity_id from entities where name = 'prod'), 1 from entities m cross join generate_series(1, 30) n where m.name like 'small%';
END
    for my $q ('pool ^ big', 'ip in 172.16.0.0/16', 'ip in (172.16.0.0/24, 172.16.0.0/16)', 'ip in (172.16.0.1/32, 172.16.0.1/28, 172.16.0.1)', 'refers prod and is basicappliance',
        'pool ^ big or refers prod and is basicappliance or ip in 172.16.0.0/16 or ip in (172.16.0.0/17, 172.16.1.0/24)', 'pool ^ big and name like small?') {
        my @all = map { "/basicappliance/small$_" } 1 .. ($q =~ /like/ ? 9 : 400);
        is_deeply query($q)->{json}, \@all, "$q: all";
        is_deeply [ walk($q, 150) ], \@all, '... page after page';
        my $page = query($q, 'Clusto-Page' => 2, 'Clusto-Per-Page' => 5);
        is_deeply [ $page->{headers}{'clusto-pages'}, @{ $page->{json} } ], [ @all == 9 ? 2 : 80, grep { defined } @all[ 5 .. 9 ] ], '... the second one';
    }
};

# A page has a quick form, for up to 20 containers.
subtest 'few containers, and more' => sub {
    $pg->psql(<<'END');
insert into entities (name, type, driver, version) select 'row' || n, 'pool', 'pool', 1 from generate_series(1, 24) n union all select 'rows', 'pool', 'pool', 1;
insert into entities (name, type, driver, version) select 'in' || n, 'appliance', 'basicappliance', 1 from generate_series(0, 71) n;
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select c.entity_id, '_contains', n, 'relation', m.entity_id, 1 from generate_series(0, 71) n cross join generate_series(0, 1) twice
      join entities c on c.name = 'row' || (n + twice * 5) % 24 + 1 join entities m on m.name = 'in' || n
    union all select c.entity_id, '_contains', n, 'relation', m.entity_id, 1 from entities c, entities m, generate_series(1, 24) n where c.name = 'rows' and m.name = 'row' || n;
END
    my $in    = sub { return 'pool in (' . join(', ', map { "row$_" } 1 .. $_[0]) . ')' };
    my $names = sub { my ($test) = @_; return map { "/basicappliance/in$_" } grep { $test->($_ % 24 + 1) || $test->(($_ + 5) % 24 + 1) } 0 .. 71 };
    my @rows  = map { "/pool/row$_" } 1 .. 24;
    my %row3  = map { $_ => 1 } $names->(sub { $_[0] == 3 });
    my @cases = (
        (map { my $most = $_; [ $in->($most), $names->(sub { $_[0] <= $most }) ] } 1, 2, 19 .. 24),
        [ 'pool ^ row and is basicappliance',  $names->(sub { 1 }) ],
        [ 'within rows',                       @rows, $names->(sub { 1 }) ],
        [ 'directly within rows',              @rows ],
        [ 'within rows and is basicappliance', $names->(sub { 1 }) ],
        [ 'pool = row3 or pool ^ row and name like in?', grep { $row3{$_} || /in\d$/ } $names->(sub { 1 }) ],
        [ $in->(20) . ' or pool = row24',      $names->(sub { $_[0] <= 20 || $_[0] == 24 }) ],
        [ 'pool = row3 or ' . $in->(21),       $names->(sub { $_[0] <= 21 }) ],
        [ 'pool = nowhere' ],
    );
    for my $case (@cases) {
        my ($q, @all) = @$case;
        my @first = @all > 5 ? @all[ 0 .. 4 ] : @all;
        my $page  = sub { return query($q, 'Clusto-After' => 0, 'Clusto-Per-Page' => 5, @_)->{json} };
        is_deeply query($q)->{json}, \@all, "$q: all";
        is_deeply [ walk($q, $_) ], \@all, "... pages of $_" for 7, 72, 1000;
        is_deeply [ map { "/$_->{driver}/$_->{name}" } @{ $page->('Clusto-Mode' => 'expanded') } ], \@first, '... whole objects';
        is_deeply $page->('Clusto-As-Of' => 'now'), \@first, '... as of now';
        is query($q, 'Clusto-After' => 0, 'Clusto-Per-Page' => 1000, Accept => 'text/csv')->{body} =~ tr/\n//, 1 + @all, '... lines of CSV';
    }
};

done_testing;
