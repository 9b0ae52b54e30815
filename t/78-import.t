#!/usr/bin/perl
# 78-import.t: POST /import: what each line says, each rule refused with its line, the modes, all or nothing,
# beside other requests, and in flat memory. MUSTER_IMPORT says how many objects (10,000).
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Fastcgi;
use Muster::Front;
use Muster::Process qw(poll run slurp source_dir spew temp_dir);
use Muster::Server;
use Muster::World;
use IO::Handle;
use IO::Select;

my $MANY = $ENV{MUSTER_IMPORT} // 10_000;

my $world  = Muster::World->new(data => 0, front_options => { cors => 0 }, conf => { workers => 4 });
my $pg     = $world->postgres;
my $server = $world->server;
my $client = $world->front->client(timeout => 600);
my $J      = JSON::PP->new->utf8->canonical->allow_nonref;

sub import_text {
    my ($text, %option) = @_;
    my $query = join '&', map { "$_=$option{query}{$_}" } sort keys %{ $option{query} // {} };
    my $with  = $option{client} // $client;
    return $with->request(POST => '/import' . (length $query ? "?$query" : ''), body => $text,
        headers => { 'Content-Type' => $option{type} // 'application/x-ndjson', %{ $option{headers} // {} } });
}

sub lines { return join '', map { ref $_ ? $J->encode($_) . "\n" : $_ } @_ }

sub imported {
    my ($what, $lines, %option) = @_;
    my $answer = import_text(ref $lines ? lines(@$lines) : $lines, %option);
    is($answer->{status}, 200, $what) or diag $answer->{body};
    return $answer->{json};
}

# The errors, as "line: text".
sub refused {
    my ($what, $status, $lines, $errors, %option) = @_;
    my $before = dump_all();
    my $answer = import_text(ref $lines ? lines(@$lines) : $lines, %option);
    is($answer->{status}, $status, $what) or diag $answer->{body};
    is_deeply([ map { "$_->{line}: $_->{error}" } @{ ref $answer->{json} eq 'HASH' ? $answer->{json}{errors} : [] } ], $errors, "$what: the errors")
        or diag $answer->{body};
    ok(dump_all() eq $before, "$what: nothing is changed");
    return $answer;
}

sub dump_all { return $pg->every_row }

sub same_dump {
    my ($before, $what) = @_;
    my %then = map { $_ => 1 } split /\n/, $before;
    my $now  = dump_all();
    ok($now eq $before, $what) or diag join "\n", grep { !$then{$_} } split /\n/, $now;
    return;
}

sub show { return $client->get("/by-name/$_[0]", headers => { 'Clusto-Mode' => 'expanded', 'Clusto-Units' => 'true' })->{json} }
sub attrs { return join ' ', sort map { join('', $_->{key}, map { defined ? ".$_" : () } @{$_}{qw(subkey number)}) . '=' . $_->{value} } @{ show($_[0])->{attrs} } }
sub parents { return join ' ', sort @{ show($_[0])->{parents} } }

sub attr { my ($key, $value, %more) = @_; return { key => $key, value => $value, %more } }
sub object { my ($name, $driver, $attrs, @in) = @_; return { name => $name, driver => $driver, $attrs ? (attrs => $attrs) : (), @in ? (in => [ map { ref ? $_ : { name => $_ } } @in ]) : () } }
sub unit { return { name => $_[0], subkey => 'ru', number => $_[1] } }

subtest 'objects, of which the first refer to the last' => sub {
    my $done = imported('an import', [
        object('web1', 'basicserver', [ attr(text => "a\tb\\c\n\"d\""), attr(many => 1, number => 0), attr(many => 2, number => 1), attr(big => 9223372036854775807),
            attr(when => '2024-02-29T12:30:00', datatype => 'datetime'), attr(to => '/pool/p1', datatype => 'relation'), attr(tree => '{"b": [1,  2.50]}', datatype => 'json'),
            attr(list => [ 1, 'x' ]), attr(none => undef, subkey => 'sub') ], 'p1', unit(r1 => 3), unit(r1 => 4)),
        object('web2', 'basicserver', undef, 'p1', 'p2'),
        object('p1', 'pool', undef, 'p0'), object('p2', 'pool'), object('p0', 'pool'), object('r1', 'basicrack', [ attr(maxu => 10, subkey => 'property') ], 'dc1'), object('dc1', 'basicdatacenter'),
        object('lan', 'ipmanager', [ attr(baseip => '10.0.0.0', subkey => 'property') ]),
    ]);
    is_deeply($done, { objects => 8, created => 8, changed => 0 }, 'says what was done');
    my $web = show('web1');
    is($web->{name}, 'web1', 'it is there');
    my %value = map { (($_->{key} . ($_->{number} // '')) => $_) } @{ $web->{attrs} };
    is($value{text}{value}, "a\tb\\c\n\"d\"", 'a text with all that COPY escapes');
    is($value{big}{value}, '9223372036854775807', 'a large integer');
    is($value{when}{value}, '2024-02-29T12:30:00', 'a date');
    like($J->encode($value{to}), qr{/pool/p1}, 'a reference that pointed forward');
    is($value{list}{datatype}, 'json', 'a list');
    is($pg->psql(q{select string_value from entity_attrs where key = 'tree'}), '{"b": [1,  2.50]}', 'the text of a JSON value is as it was');
    is($value{none}{value}, undef, 'null');
    is(parents('web1'), '/basicrack/r1 /pool/p1', 'its containers');
    is($pg->psql(q{select string_agg(number::text, ',' order by number) from entity_attrs where subkey = 'ru'}), '3,4', 'and units');
    is(attrs('r1'), 'maxu.property=10 minu.property=1', 'properties that were not sent have their defaults');
    is($pg->psql('select count(distinct version) from entities where name <> $$clustometa$$'), '1', 'all have one version');
    is($pg->psql(q{select string_agg(number::text, ',' order by attr_id) from entity_attrs where key = '_contains' and entity_id = (select entity_id from entities where name = 'p1')}), '0,1', 'members are numbered');
    is($client->request(POST => '/entity/pool/p1', form => { action => 'insert', device => 'lan' })->{status}, 200, 'another one goes in');
    is($pg->psql(q{select max(number) from entity_attrs where key = '_contains' and entity_id = (select entity_id from entities where name = 'p1')}), '2', 'with the next number');
};

subtest 'what is wrong with a line' => sub {
    my $answer = import_text(qq({"name": "x",\n{"name": "x", "driver": "pool"}\n[1]\n"x"\n\xff\n));
    is($answer->{status}, 400, 'lines that are none');
    is(join(' ', map { $_->{line} } @{ $answer->{json}{errors} }), '1 3 4 5', 'all are named');
    is($answer->{json}{count}, 4, 'and counted');
    is($client->get('/by-name/x')->{status}, 404, 'nothing is done');
    refused('names', 400, [ object('', 'pool'), object("a\nb", 'pool'), object('a/../b', 'pool'), object('x' x 129, 'pool'), { driver => 'pool' } ], [
        '1: A name may not be empty.', "2: 'a\\nb' is not a valid name: it has a control character.", '3: \'a/../b\' is not a valid name: "." and ".." can\'t stand between slashes.',
        "4: '@{[ 'x' x 129 ]}' is not a valid name: it has more than 128 characters.", '5: The object has no "name"' ]);
    refused('keys', 400, [ object('x', 'pool', [ attr('1a' => 1) ]), object('y', 'pool', [ attr(a => 1, subkey => '!') ]), object('z', 'pool', [ attr(_contains => 1) ]), object('u', 'pool', [ attr(a => 1, number => 1.5) ]), object('v', 'pool', [ { key => 'a' } ]) ], [
        "1: '1a' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -.", "2: '!' is not a valid subkey: it must start with a letter or _ and go on with letters, digits, _ and -.",
        '3: "_contains" cannot be set: name the container in "in"', '4: "number" must be an integer from -2147483648 to 2147483647', '5: Provide at least "key" and "value"' ]);
    refused('values', 400, [ object('x', 'pool', [ attr(a => 'x', datatype => 'int') ]), object('y', 'pool', [ attr(a => 'x', datatype => 'date') ]), object('z', 'pool', [ attr(a => 'x', datatype => 'relation') ]), object('u', 'pool', [ attr(a => '{', datatype => 'json') ]) ], [
        "1: Error casting x into a(n) int: invalid literal for int() with base 10: 'x'", "2: 'date' is not a valid datatype. datatypes include: ('int', 'string', 'datetime', 'relation', 'json')",
        '3: Error casting x into a(n) relation: it must be /driver/name', "4: Error casting '{' into a(n) json: the text ends too early" ]);
    refused('members', 400, [ { name => 'x', driver => 'pool', more => 1 }, { name => 'x', driver => 'pool', attrs => {} }, { name => 1, driver => 'pool' } ], [ "1: Unknown member 'more'", '2: "attrs" must be a list', '3: "name" must be a string' ]);
    refused('an unknown driver', 400, [ object('x', 'pond') ], [ "1: Requested driver 'pond' does not exist" ]);
    my $many = import_text(lines(map { object('', 'pool') } 1 .. 250));
    is($many->{json}{count}, 250, 'all errors are counted');
    is(scalar @{ $many->{json}{errors} }, 100, 'and the first hundred shown');
    is(import_text("x\n", type => 'text/plain')->{status}, 415, 'another type');
    is(import_text("x\n", query => { mode => 'merge' })->{status}, 400, 'another mode');
    is(import_text('{"name": "x", "driver": "pool", "attrs": [{"key": "a", "value": "' . 'x' x (1 << 20) . qq("}]}\n))->{json}{errors}[0]{error}, 'The line is longer than 1048576 bytes.', 'a line without end');
    my $long = import_text(lines(map { object("x$_", 'pool', undef, 'y' x 100_000) } 1 .. 3));
    is_deeply([ map { length $_->{error} } @{ $long->{json}{errors} } ], [ 1000, 1000, 1000 ], 'errors are no longer than a thousand characters');
    is(import_text("x\n", headers => { 'Idempotency-Key' => 'k' })->{status}, 400, 'Idempotency-Key is refused');
};

subtest 'an export must be whole' => sub {
    my $first = { muster => 'export', version => 1, taken => 'x' };
    refused('without its last line', 400, [ $first, object('x', 'pool') ], [ '3: The export is truncated: its last line is missing.' ]);
    refused('with another number', 400, [ $first, object('x', 'pool'), { complete => JSON::PP::true, objects => 2 } ], [ '3: The export has 1 objects, not 2 as its last line says' ]);
    refused('with more after it', 400, [ $first, object('x', 'pool'), { complete => JSON::PP::true, objects => 1 }, object('y', 'pool') ], [ '4: The last line of the export came before' ]);
    imported('whole', [ $first, object('bare', 'basicrack', []), { complete => JSON::PP::true, objects => 1 } ]);
    is(attrs('bare'), '', 'and has nothing that it does not say');
};

subtest 'the rules' => sub {
    imported('what is there', [ object('ex', 'exclusive_pool'), object('u1', 'unique_pool'), object('u2', 'unique_pool'), object('dc2', 'basicdatacenter'), object('r2', 'basicrack'), object('any', 'entity'), object('any2', 'entity'),
        object('in_p', 'basicserver', undef, 'p1'), object('in_u', 'basicserver', undef, 'u1'), object('in_ex', 'basicserver', undef, 'ex'), object('in_dc', 'basicserver', undef, 'dc1'), object('in_r', 'basicserver', undef, unit(r1 => 8)), object('in_any', 'basicserver', undef, 'any') ]);
    refused('existing objects', 409, [ object('fresh', 'pool'), object('p1', 'pool') ], [ '2: "p1" already exists' ], query => { mode => 'create' });
    refused('twice in the file', 409, [ object('x', 'pool'), object('x', 'pool') ], [ '2: "x" is duplicated: it is in line 1, too' ]);
    refused('another driver', 409, [ object('p1', 'unique_pool') ], [ '1: The driver for object "p1" is not "unique_pool"' ]);
    refused('no driver', 409, [ { name => 'x' } ], [ '1: "x" does not exist: a driver is needed to create it' ]);
    refused('clustometa', 409, [ object('meta', 'clustometa') ], [ '1: clustometa cannot be created or deleted' ]);
    refused('what is not there', 409, [ object('x', 'pool', [ attr(a => '/pool/none', datatype => 'relation') ]), object('y', 'pool', [ attr(a => '/pool/web1', datatype => 'relation') ], 'none') ],
        [ '1: Object "none" not found (none does not exist.)', '2: Object "none" not found (none does not exist.)', '2: The driver for object "web1" is not "pool"' ]);
    refused('pools', 409, [ object('in_p', undef, undef, 'ex'), object('in_u', undef, undef, 'u2'), object('in_ex', undef, undef, 'p1') ],
        [ '1: "in_p" is already in the pool "p1"', '2: "in_u" is already in the unique_pool "u1"', '3: "in_ex" is already in the exclusive_pool "ex"' ]);
    refused('new ones', 409, [ object('x', 'basicserver', undef, 'p1', 'ex'), object('y', 'basicserver', undef, 'u1', 'u2') ], [ '1: "x" is already in the pool "p1"', '2: "y" is already in the unique_pool "u1"' ]);
    refused('locations and others', 409, [ object('in_dc', undef, undef, 'dc2'), object('in_any', undef, undef, 'any2'), object('in_p', undef, undef, 'any') ],
        [ '1: "in_dc" is already in the basicdatacenter "dc1"', '2: "in_any" is already in the entity "any"', '3: "in_p" is already in the pool "p1"' ]);
    imported('what shares with nothing comes first', [ object('first', 'basicserver', undef, 'p1', 'any') ]);
    refused('racks', 409, [ object('n1', 'basicserver', undef, 'r1'), object('n2', 'basicserver', undef, unit(r1 => 11)), object('n3', 'basicserver', undef, unit(r1 => 5), unit(r1 => 7)), object('n4', 'basicserver', undef, unit(r1 => 3)),
        object('n5', 'basicserver', undef, unit(r1 => 9)), object('n6', 'basicserver', undef, unit(r1 => 9)), object('n7', 'pool', undef, unit(r1 => 10)), object('in_r', undef, undef, unit(r1 => 1)), object('web1', undef, undef, unit(r2 => 1)) ],
        [ '1: Provide at least one unit, with the subkey "ru", to put a device into a rack', '2: rackU must be from 1 to 10 in "r1"', '3: the units of rackU must be adjacent', '4: unit 3 of "r1" is occupied', '6: unit 9 of "r1" is occupied',
        '7: "n7" is not a device: only devices can be racked', '8: "in_r" is already in unit 8 of "r1"', '9: "web1" is already in the basicrack "r1"' ]);
    refused('circles', 409, [ object('p0', undef, undef, 'p1'), object('c1', 'pool', undef, 'c2'), object('c2', 'pool', undef, 'c1'), object('self', 'pool', undef, 'self') ],
        [ '1: "p0" contains "p1" and cannot be put into it', '2: "c1" contains "c2" and cannot be put into it', '3: "c2" contains "c1" and cannot be put into it', '4: "self" cannot be put into itself' ]);
};

subtest 'resources' => sub {
    is($client->request(POST => '/resourcemanager/ipmanager', form => { name => 'net', baseip => '10.9.0.0', netmask => '24' })->{status}, 201, 'a manager');
    is($client->request(POST => '/resourcemanager/ipmanager/net', form => { object => 'web1', resource => '10.9.0.5' })->{status}, 201, 'an address');
    my ($address, $number) = $pg->psql(q{select int_value || ' ' || number from entity_attrs where key = 'ip' and subkey is null}) =~ /(\S+) (\S+)/;
    my $held = sub { my ($value, $n) = @_; return [ attr(ip => 0 + $value, number => 0 + $n), attr(ip => '/ipmanager/net', subkey => 'manager', number => 0 + $n, datatype => 'relation') ] };
    refused('one that is held', 409, [ object('x', 'basicserver', $held->($address, 40)) ], [ "1: Requested resource is not available: \"$address\"" ]);
    refused('one that comes twice', 409, [ object('x', 'basicserver', $held->($address + 1, 40)), object('y', 'basicserver', $held->($address + 1, 41)) ], [ '2: Requested resource is not available: "' . ($address + 1) . '"' ]);
    imported('free ones', [ object('x', 'basicserver', $held->($address + 1, 40)) ]);
    is($pg->psql('select uses from muster_ip where address = ' . ($address + 1)), '1', 'they are taken');
    my $next = $client->request(POST => '/resourcemanager/ipmanager/net', form => { object => 'web2' })->{json};
    cmp_ok($pg->psql(q{select max(number) from entity_attrs where key = 'ip'}), '>', 40, 'numbers go on after those that came');
    imported('again', [ object('web1', 'basicserver', $held->($address, $number)) ]);
    imported('more than are locked one by one', [ map { object("h$_", 'basicserver', $held->($address + 300 + $_, 100 + $_)) } 1 .. 400 ]);
    refused('and one of them', 409, [ map { object("i$_", 'basicserver', $held->($address + 900 - $_, 600 + $_)) } 1 .. 201 ], [ '200: Requested resource is not available: "' . ($address + 700) . '"', '201: Requested resource is not available: "' . ($address + 699) . '"' ]);
    is_deeply(
        imported('two objects change theirs', [ object('h1', undef, [ attr(ip => $address + 302, number => 101) ]), object('h2', undef, [ attr(ip => $address + 301, number => 102) ]) ]),
        { objects => 2, created => 0, changed => 2 }, 'which is no conflict');
    is($server->run_program(['--check-db'])->{status}, 0, 'the database is as it should be') or diag $server->run_program(['--check-db'])->{out};
};

subtest 'modes' => sub {
    imported('an object', [ object('m', 'basicserver', [ attr(a => 1), attr(a => 2), attr(b => 'x', subkey => 's'), attr(b => 'y') ], 'p1', 'p2') ]);
    is_deeply(imported('the same', [ object('m', 'basicserver', [ attr(a => 1), attr(a => 2), attr(b => 'x', subkey => 's'), attr(b => 'y') ], 'p1', 'p2') ]), { objects => 1, created => 0, changed => 0 }, 'changes nothing');
    is_deeply(imported('an update', [ object('m', undef, [ attr(a => 2), attr(a => 3), attr(c => 'new') ], 'p0') ]), { objects => 1, created => 0, changed => 1 }, 'changes it');
    is(attrs('m'), 'a=2 a=3 b.s=x b=y c=new', 'what has the same key, subkey and number is replaced');
    is(parents('m'), '/pool/p0 /pool/p1 /pool/p2', 'memberships are added');
    is($pg->psql(q{select count(*) from entity_attrs a join entities e using (entity_id) where e.name = 'm' and key = 'a' and int_value = 2}), '1', 'what stays is not written again');
    imported('a replacement', [ object('m', undef, [ attr(a => 3), attr(d => 'z') ], 'p2'), object('brand_new', 'basicrack', []) ], query => { mode => 'replace' });
    is(attrs('m'), 'a=3 d=z', 'nothing else is left');
    is(parents('m'), '/pool/p2', 'nor elsewhere');
    is(attrs('brand_new'), '', 'and no defaults');
    imported('a replacement that says nothing of attributes', [ object('m', undef, undef, { name => 'p1' }) ], query => { mode => 'replace' });
    is(attrs('m') . ' ' . parents('m'), 'a=3 d=z /pool/p1', 'leaves them');
    imported('a rack', [ object('r3', 'basicrack'), object('d1', 'basicserver', undef, unit(r3 => 1)), object('d2', 'basicserver', undef, unit(r3 => 2)) ]);
    imported('units are exchanged', [ object('d1', undef, undef, unit(r3 => 2)), object('d2', undef, undef, unit(r3 => 1)) ], query => { mode => 'replace' });
    is($pg->psql(q{select string_agg(m.name || number, ' ' order by number) from entity_attrs a join entities m on m.entity_id = a.relation_id join entities r on r.entity_id = a.entity_id where r.name = 'r3' and a.subkey = 'ru' and a.deleted_at_version is null}), 'd21 d12', 'at once');
};

subtest 'dry runs and changes' => sub {
    my @lines = (object('m', 'basicserver', [ attr(a => 77) ]), object('dry', 'pool'));
    my $before = dump_all();
    for my $dry ({ query => { dry_run => 'true' } }, { headers => { 'Clusto-Dry-Run' => 'true' } }) {
        my $answer = import_text(lines(@lines), %$dry, headers => { %{ $dry->{headers} // {} }, 'Clusto-Diff' => 'true' });
        is_deeply([ $answer->{status}, $answer->{json}{result}, $answer->{headers}{'clusto-dry-run'} ], [ 200, { objects => 2, created => 1, changed => 1 }, 'true' ], 'a dry run') or diag $answer->{body};
        is(scalar @{ $answer->{json}{changes} }, 2, '... shows what would be changed');
        ok(dump_all() eq $before, '... and changes nothing');
    }
    my $many = import_text(lines(map { object("diff$_", 'pool') } 1 .. 1200), query => { dry_run => 'true' }, headers => { 'Clusto-Diff' => 'true' });
    is_deeply([ scalar @{ $many->{json}{changes} }, $many->{json}{more} ], [ 1000, 200 ], 'of many changes the first are shown, and that there are more');
    my $full = import_text(lines(object('full', 'pool'), map { object("into$_", 'pool', undef, 'full') } 1 .. 10_100), query => { dry_run => 'true' }, headers => { 'Clusto-Diff' => 'true' });
    my ($first, @others) = @{ $full->{json}{changes} };
    is_deeply([ $first->{object}, scalar @{ $first->{attrs} }, $first->{more_attrs}, scalar @others, $full->{json}{more} ], [ '/pool/full', 10_000, JSON::PP::true, 999, 9101 ], 'of many attributes, too');
};

subtest 'CSV' => sub {
    my @csv = (type => 'text/csv');
    imported('a table', qq(\xef\xbb\xbfname,driver,in,in.ru,colour,n.sub:2,n\r\n"c,1",basicserver,r2,5-6,"re""d",7,007\r\nc2,basicserver,p1,,"two\nlines",-3,\n), @csv);
    is(attrs('c,1'), 'colour=re"d n.sub.2=7 n=007', 'keys, subkeys and numbers of the first line');
    is($pg->psql(q{select datatype from entity_attrs where key = 'n' and string_value = '007'}), 'string', 'what is not printed so is no integer');
    is(attrs('c2'), "colour=two\nlines n.sub.2=-3", 'an empty cell says nothing');
    is(parents('c,1') . ' ' . parents('c2'), '/basicrack/r2 /pool/p1', 'containers');
    imported('deletions', qq(name,in,colour,n\nc2,-,-,1\n), @csv);
    is(attrs('c2') . '|' . parents('c2'), 'n.sub.2=-3 n=1|', 'are a "-"');
    refused('records', 400, qq(name,driver,a\nx,pool\ny,pool,"a"b\nz,pool,a"b\nu,"p\npool",1\n,pool,1\nw,pool,"a\n), [
        '2: The record has 2 fields, not 3 as the first', '3: Text after the end of a quoted field', '4: A quote inside a field that is not quoted', "5: Requested driver 'p\\npool' does not exist", '7: The object has no "name"',
        '8: Text after the end of a quoted field', '8: The file ends inside a quoted field.' ], @csv);
    refused('a column', 400, "name,1x\na,1\n", [ "2: '1x' is not a valid key: it must start with a letter or _ and go on with letters, digits, _ and -." ], @csv);
    refused('no name', 400, "driver\npool\n", [ '1: There is no column "name"' ], @csv);
    refused('lines that end with CR alone', 400, "name,driver\rx,pool\r", [ "1: The column 'driver\\rx' has a carriage return: lines end with LF or CRLF" ], @csv);
    refused('two names', 400, "name,driver,name\nx,pool,y\n", [ '1: The column "name" is duplicated' ], @csv);
    refused('too many columns', 400, 'name' . ',a' x 10_000 . "\nx\n", [ '1: There are more than 10000 columns' ], @csv);
    refused('units', 400, "name,driver,in.ru,in\nx,basicserver,3,r1\n", [ '2: There are units, but no rack before them' ], @csv);
    refused('units of a rack', 409, "name,driver,in,in.ru\nx1,basicserver,r2,6\n", [ '2: unit 6 of "r2" is occupied' ], @csv);
};

# The import of so many lines, as text: five attributes and two memberships each.
sub many {
    my ($count, $prefix) = @_;
    return join '', map { qq({"name":"$prefix$_","driver":"basicserver","attrs":[{"key":"serial","value":"s$_"},{"key":"cpus","value":$_},{"key":"os","subkey":"name","value":"debian"},{"key":"os","subkey":"release","value":13},{"key":"owner","datatype":"relation","value":"/pool/p1"}],"in":[{"name":"p2"},{"name":"p0"}]}\n) } 1 .. $count;
}

subtest 'a stream of lines' => sub {
    my $lighttpd = Muster::Front->new(server => $server, kind => 'lighttpd', cors => 0);
    for my $through ([ nginx => $client ], [ lighttpd => $lighttpd->client(timeout => 600) ]) {
        my ($name, $with) = @$through;
        my $text   = many(8000, $name);
        my $answer = import_text($text, query => { progress => 'true' }, client => $with);
        is($answer->{status}, 200, "through $name");
        is($answer->{headers}{'content-type'}, 'application/x-ndjson', '... it is one');
        my @lines = map { $J->decode($_) } split /\n/, $answer->{body};
        is_deeply(pop @lines, { result => { objects => 8000, created => 8000, changed => 0 } }, '... and ends with the result')
            or diag join "\n", $answer->{body}, grep { /warning|error/ } split /\n/, $server->log;
        is(scalar(grep { $_->{of_bytes} != length $text || $_->{read} > length $text } @lines), 0, '... after what was read');
        my $bad = import_text("x\n", query => { progress => 'true' }, client => $with);
        my $last = $J->decode((split /\n/, $bad->{body})[-1]);
        is_deeply([ $last->{status}, $last->{count}, $last->{errors}[0]{line} ], [ 400, 1, 1 ], '... or the errors');
    }
    $lighttpd->stop;
};

# One whose body goes on: a connection on which $half of it was sent.
sub begin_import {
    my ($text, $half, $to) = @_;
    my $socket = Muster::Fastcgi::connect_to($to // $server);
    $socket->print(Muster::Fastcgi::begin_request(REQUEST_METHOD => 'POST', PATH_INFO => '/import', REQUEST_URI => '/import', CONTENT_TYPE => 'application/x-ndjson', CONTENT_LENGTH => length $text));
    $socket->flush;
    send_body($socket, substr $text, 0, $half);
    return $socket;
}

sub send_body {
    my ($socket, $text) = @_;
    $socket->print(Muster::Fastcgi::record(5, $1)) while $text =~ /\G(.{1,32000})/gs;
    $socket->flush;
    return;
}

sub staging { return $pg->psql(q{select count(*) from pg_locks where locktype = 'advisory' and classid = 1836413812 and objid = 16 and granted}) }

# nginx sends no more of a body once the response has begun: nothing may come before it was read.
subtest 'a slow body and a stream of lines' => sub {
    my $text   = many(1000, 'waited');
    my $socket = Muster::Fastcgi::connect_to($server);
    $socket->print(Muster::Fastcgi::begin_request(REQUEST_METHOD => 'POST', PATH_INFO => '/import', REQUEST_URI => '/import', QUERY_STRING => 'progress=true', CONTENT_TYPE => 'application/x-ndjson', CONTENT_LENGTH => length $text));
    send_body($socket, substr $text, 0, 80_000);
    ok(poll(20, sub { staging() == 1 }), 'half of it has come');
    ok(!IO::Select->new($socket)->can_read(1.2), 'a second later nothing is sent');
    send_body($socket, substr $text, 80_000, 80_000);
    ok(!IO::Select->new($socket)->can_read(0.5), '... nor with the next piece');
    send_body($socket, substr $text, 160_000);
    $socket->print(Muster::Fastcgi::record(5, ''));
    $socket->flush;
    my $answer = Muster::Fastcgi::read_all($socket, 60);
    like($answer, qr/"read": @{[ length $text ]}\}.*\{"result": \{"changed": 0, "created": 1000, "objects": 1000\}\}/s, 'then a line says that all was read, and the last one what was done');
};

sub chunks { return join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ } @_, '' }

subtest 'bodies over import_limit' => sub {
    my $small = Muster::Server->new(postgres => $pg, conf => { workers => 1, import_limit => 100_000 });
    my $front = Muster::Front->new(server => $small, cors => 0);
    my $with  = $front->client(timeout => 60);
    my $text  = many(1000, 'over');
    my %type  = ('Content-Type' => 'application/x-ndjson');
    is(import_text(substr($text, 0, 1 + rindex $text, "\n", 99_999), client => $with, query => { dry_run => 'true' })->{status}, 200, 'one that fits');
    my $large = import_text($text, client => $with);
    is_deeply([ $large->{status}, $large->{json} ], [ 413, 'The body is larger than 100000 bytes.' ], 'a larger one') or diag $large->{body};
    my @pieces  = $text =~ /(.{1,30000})/gs;
    my $chunked = $with->request(POST => '/import', body => chunks(@pieces), headers => { %type, 'Transfer-Encoding' => 'chunked' });
    is_deeply([ $chunked->{status}, $chunked->{json} ], [ 413, 'The body is larger than 100000 bytes.' ], 'one that the client sends in chunks') or diag $chunked->{body};
    my $socket = Muster::Fastcgi::connect_to($small);
    $socket->print(Muster::Fastcgi::begin_request(REQUEST_METHOD => 'POST', PATH_INFO => '/import', REQUEST_URI => '/import', CONTENT_TYPE => 'application/x-ndjson'));
    send_body($socket, $text);
    like(Muster::Fastcgi::read_all($socket, 60), qr/Status: 413.*larger than import_limit allows/s, 'one whose length nobody knew');
    close $socket;
    @pieces = lines(map { object("chunk$_", 'pool') } 1 .. 100) =~ /(.{1,1000})/gs;
    is($with->request(POST => '/import', body => chunks(@pieces), headers => { %type, 'Transfer-Encoding' => 'chunked' })->{json}{created}, 100, 'of those it takes what fits');
    is($client->get("/by-name/over1")->{status}, 404, 'nothing else is done');
    $front->stop;
    $small->stop;
};

subtest 'one at a time, beside others' => sub {
    my $text   = lines(map { object("slow$_", 'basicserver', [ attr(a => $_) ], 'p2') } 1 .. 3000);
    my $socket = begin_import($text, 50_000);
    ok(poll(20, sub { staging() == 1 }), 'one is under way');
    my $second = import_text(lines(object('second', 'pool')));
    is($second->{status}, 503, 'another one has to wait');
    is($second->{headers}{'retry-after'}, 10, '... and is told how long');
    is($client->request(POST => '/entity/pool', form => { name => 'beside' })->{status}, 201, 'other writes go on');
    send_body($socket, substr $text, 50_000);
    $socket->print(Muster::Fastcgi::record(5, ''));
    $socket->flush;
    like(Muster::Fastcgi::read_all($socket, 60), qr/Status: 200.*"created": 3000/s, 'it ends') ;
    is($client->get('/by-name/slow3000')->{status}, 200, 'all of it is there');
};

# Somebody holds an object until told otherwise.
sub hold { my ($name) = @_; return $pg->begin("select from entities where name = '$name' and deleted_at_version is null for update") // die 'not held' }

sub waiting { return $pg->psql(q{select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%muster_import%'}) }

subtest 'applied beside others' => sub {
    my $holder = hold('web2');
    my $text   = lines((map { object("late$_", 'basicserver') } 1 .. 500), object('web2', undef, [ attr(late => 1) ]));
    my $socket = begin_import($text, length $text);
    $socket->print(Muster::Fastcgi::record(5, ''));
    $socket->flush;
    ok(poll(20, \&waiting), 'an import waits for an object');
    is($client->request(POST => '/entity/pool', form => { name => 'late_beside' })->{status}, 201, 'another is created');
    is($client->request(PUT => '/attribute/web1/colour', form => { value => 'blue' })->{status}, 200, 'one is changed');
    is($client->get('/by-name/web2')->{status}, 200, 'and read');
    $holder->('commit');
    like(Muster::Fastcgi::read_all($socket, 60), qr/Status: 200.*"created": 500/s, 'it goes on');
};

subtest 'nothing is left' => sub {
    my $before = dump_all();
    my $text   = many(2000, 'gone');
    refused('a last line that is bad', 400, $text . "oops\n", [ '2001: invalid char in json text.: column 1' ]);
    my $bad = import_text($text . object_line('gone1'));
    is($bad->{status}, 409, 'a last line that is wrong');
    is($bad->{json}{errors}[0]{line}, 2001, '... is named');
    ok(dump_all() eq $before, '... and undoes all');
    my $alone = Muster::Server->new(postgres => $pg, conf => { workers => 1 });
    for my $half (1, 0) {
        # One that waits for the rest of its body, and one that waits in the middle of its statements.
        my $holder = $half ? undef : hold('web2');
        my $all    = $text . lines(object('web2'));
        my $socket = begin_import($all, $half ? length($all) - 100 : length $all, $alone);
        $socket->print(Muster::Fastcgi::record(5, '')), $socket->flush if !$half;
        ok(poll(20, sub { $half ? staging() == 1 : waiting() }), 'an import is under way');
        kill KILL => $alone->workers;
        ok(poll(20, sub { staging() == 0 }), 'its worker is killed, and the database notices');
        $holder->('commit') if $holder;
        ok(dump_all() eq $before, 'nothing is left');
    }
    $alone->stop;
    my $socket = begin_import($text, 100_000);
    ok(poll(20, sub { staging() == 1 }), 'another one');
    close $socket;
    ok(poll(20, sub { staging() == 0 }), 'whose client leaves');
    same_dump($before, 'leaves nothing');
};

sub object_line { return lines(object($_[0], 'basicserver')) }

subtest 'a round trip' => sub {
    my $dir   = temp_dir();
    my $first = $client->get('/export')->{body};
    my @lines = split /^/, $first;
    spew("$dir/all.ndjson", $first);
    my $copy = Muster::World->new(data => 0, front => undef);
    my $done = $copy->server->run_program([ '--import', "$dir/all.ndjson" ]);
    is($done->{status}, 0, 'an export is imported into another database') or diag $done->{err};
    like($done->{out}, qr/^@{[ @lines - 2 ]} objects: @{[ @lines - 3 ]} created, 0 changed$/, 'it says how many');
    is($copy->server->run_program([ '--export', "$dir/again.ndjson" ])->{status}, 0, 'and exported again');
    my @again = split /^/, slurp("$dir/again.ndjson");
    shift @lines, shift @again;
    is(scalar(grep { $lines[$_] ne ($again[$_] // '') } 0 .. $#lines) . ' ' . @again, '0 ' . @lines, 'the lines are the same');
    $done = $copy->server->run_program([ '--import', "$dir/all.ndjson", '--mode', 'replace' ]);
    like($done->{out}, qr/ 0 created, 0 changed$/, 'once more changes nothing');
    spew("$dir/x.csv", "name,driver,a\nfile1,pool,1\n");
    like($copy->server->run_program([ '--import', "$dir/x.csv", '--dry-run' ])->{out}, qr/1 created, 0 changed \(a dry run/, 'CSV, and a dry run');
    spew("$dir/x.csv", "name,driver,a\nfile1,pond,1\n");
    my $bad = $copy->server->run_program([ '--import', "$dir/x.csv" ]);
    is($bad->{status}, 1, 'errors');
    is($bad->{err} =~ s/\A.*(?=x\.csv)//sr, "x.csv:2: Requested driver 'pond' does not exist\n1 errors: nothing is changed\n", '... have their lines');
    is($copy->server->run_program([ '--import', "$dir/none" ])->{status}, 1, 'a file that is not there');
    is($copy->server->run_program(['--check-db'])->{status}, 0, 'the copy is as it should be');
    $copy->stop;
    my $program = source_dir() . '/contrib/muster-import';
    spew("$dir/y.csv", "name,driver,a\nsent1,pool,1\n");
    my $sent = run([ 'python3', $program, $world->front->url, "$dir/y.csv" ]);
    is($sent->{out}, "1 objects: 1 created, 0 changed\n", 'contrib/muster-import sends a file') or diag $sent->{err};
    $sent = run([ 'python3', $program, $world->front->url, "$dir/y.csv", '--mode', 'create' ]);
    is_deeply([ $sent->{status}, $sent->{err} =~ /(y\.csv:2: "sent1" already exists)/ ], [ 1, 'y.csv:2: "sent1" already exists' ], '... and tells errors') or diag $sent->{err};
};

subtest 'many' => sub {
    my $small = many($MANY / 4, 'few');
    imported('a quarter of them', $small);
    my %before = map { $_ => $server->memory($_) } $server->workers;
    my $done = imported('all of them', many($MANY, 'many'));
    is($done->{created}, $MANY, 'are created');
    my ($grown) = sort { $b <=> $a } map { $server->memory($_) - ($before{$_} // 0) } grep { $before{$_} } $server->workers;
    ok($ENV{MUSTER_SANITIZED} || $grown < 16 * 1024, 'in flat memory') or diag "$grown KiB more";
    my $bad = import_text(many($MANY, 'more') . object_line('many1') =~ s/basicserver/pool/r);
    is_deeply($bad->{json}, { count => 1, errors => [ { line => $MANY + 1, error => 'The driver for object "many1" is not "pool"' } ] }, 'a bad last line undoes all');
    is($client->get('/by-name/more1')->{status}, 404, 'of it');
    is($server->run_program(['--check-db'])->{status}, 0, 'the database is as it should be') or diag $server->run_program(['--check-db'])->{out};
};

$world->stop;
done_testing;
