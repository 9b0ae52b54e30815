# 77-export.t: GET /export and muster --export: what it says against other answers, its order, one snapshot
# while others write, as of a version, a copy with other ids, a database made by Python clusto, and what
# breaks off.
use v5.24;
use warnings;
use utf8;
use Encode ();
use File::Basename qw(basename);
use JSON::PP ();
use Muster::Client;
use Muster::Data qw(load_many python_tables);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll slurp spew temp_dir);
use Muster::Server;
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $world  = Muster::World->new(data => 0, conf => { statement_timeout => 120_000, connect_timeout => 60_000 });
my $client = $world->client;
my $pg     = $world->postgres;
my $J      = JSON::PP->new->utf8->allow_nonref->allow_bignum;
my $tmp    = temp_dir();
my $id     = q{create function pg_temp.id(text) returns integer language sql as 'select min(entity_id) from entities where name = $1 and deleted_at_version is null';};

sub sql { return $pg->psql(Encode::encode('UTF-8', $_[0]), @_[ 1 .. $#_ ]) }

sub export {
    my ($query, %headers) = @_;
    my $answer = $client->get('/export', query => $query // {}, headers => \%headers, timeout => 120);
    is $answer->{status}, 200, 'an export' or diag $answer->{body};
    is $answer->{headers}{'content-type'}, 'application/x-ndjson', '... as lines';
    return split /^/, $answer->{body};
}

# Its lines as they are but for the first and the last; checks these two.
sub objects {
    my @lines = @_;
    my $first = shift @lines;
    my $last  = pop @lines;
    like $first, qr/\A\{"muster": "export", "version": \d+, "taken": (?:"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"|null)\}\n\z/, '... with its first line';
    is $last, '{"complete": true, "objects": ' . @lines . "}\n", '... and its last';
    return @lines;
}

sub names { return join ' ', map { $J->decode($_)->{name} } @_ }

# Every kind of value, memberships, circles, what refers to what is deleted.
sql("$id " . <<'END');
insert into clustoversioning(timestamp, "user", description) values (localtimestamp, 'test', 'data');
insert into entities (name, type, driver, version) values ('web1', 'server', 'basicserver', 2);
insert into entities (name, type, driver, version, deleted_at_version) values ('gone', 'pool', 'pool', 1, 2), ('web1', 'server', 'basicserver', 1, 2);
insert into entities (name, type, driver, version)
    select 'web' || n, 'server', 'basicserver', 2 from generate_series(2, 12) n
    union all select n, 'pool', 'pool', 2 from unnest(array['zpool', 'apool', 'inner', 'circle2', 'circle1', 'below', 'self', 'Zoë', 'é', 'Ü', '日本', 'it''s "quoted" \ /']) n
    union all select 'dc', 'datacenter', 'basicdatacenter', 2 union all select n, 'rack', 'basicrack', 2 from unnest(array['r1', 'r2']) n;
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select pg_temp.id(c), '_contains', n, 'relation', pg_temp.id(m), 2 from (values ('zpool', 0, 'inner'), ('inner', 0, 'web1'), ('apool', 0, 'web1'), ('apool', 1, 'inner'), ('circle1', 0, 'circle2'),
        ('circle2', 0, 'circle1'), ('circle2', 1, 'below'), ('below', 0, 'web2'), ('self', 0, 'self'), ('Zoë', 0, 'é'), ('dc', 0, 'r2'), ('dc', 1, 'r1'), ('r1', 0, 'web3'), ('zpool', 7, 'web10')) v(c, n, m);
insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version)
    select pg_temp.id('r1'), '_contains', 'ru', n, 'relation', pg_temp.id('web4'), 2 from unnest(array[11, 2, 10]) n;
insert into entity_attrs (entity_id, key, datatype, relation_id, version) select min(entity_id), '_contains', 'relation', pg_temp.id('apool'), 1 from entities where name = 'gone';
insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, version)
    select pg_temp.id('web1'), k, s, n, d, i, t, a, 2 from (values
        ('n', null, null, 'int', 9223372036854775807, null, null::timestamp), ('n', null, 2, 'int', -1, null, null), ('n', null, 10, 'int', 0, null, null), ('n', 'b', 2, 'int', 7, null, null), ('n', 'a', 2, 'int', 7, null, null),
        ('t', null, null, 'string', null, 'b', null), ('t', null, null, 'string', null, 'B', null), ('t', null, null, 'string', null, '', null), ('t', null, null, 'string', null, null, null),
        ('t', null, null, 'string', null, E'ä"\\/\b\x01\x7f\n  𝄞', null), ('t', null, null, 'int', 5, null, null), ('d', null, null, 'datetime', null, null, '2024-02-29 12:30:00.5'), ('d', null, null, 'datetime', null, null, '2024-02-29'),
        ('j', null, null, 'json', null, '{"b":  1.50, "a": [1e3, "\u00e9é"]}', null), ('j', null, null, 'json', null, 'no json', null), ('_hidden', 'x', null, 'string', null, 'y', null), ('Z', '', null, 'string', null, 'x', null)) v(k, s, n, d, i, t, a);
insert into entity_attrs (entity_id, key, datatype, relation_id, version) values (pg_temp.id('web1'), 'owner', 'relation', pg_temp.id('zpool'), 2), (pg_temp.id('web1'), 'owner', 'relation', pg_temp.id('apool'), 2),
    (pg_temp.id('web1'), 'owner', 'relation', null, 2);
insert into entity_attrs (entity_id, key, datatype, string_value, version, deleted_at_version) values (pg_temp.id('web1'), 'old', 'string', 'x', 1, 2);
insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'left', 'string', 'by an object that is gone', 1 from entities where deleted_at_version = 2;
END

my @all = export();
my @objects = objects(@all);
my %by_name = map { my $o = $J->decode($_); ($o->{name} => $o) } @objects;

subtest 'the form' => sub {
    my $path = qr{"(?:[^"\\]|\\.)*"};
    my $attr = qr/\{"key": $path, "subkey": (?:$path|null), "number": (?:-?\d+|null), "datatype": "\w+", "value": (?:$path|-?\d+|null)\}/;
    my $in   = qr/\{"name": $path, "subkey": (?:$path|null), "number": (?:-?\d+|null)\}/;
    like $_, qr/\A\{"driver": $path, "name": $path, "attrs": \[(?:$attr(?:, (?=\{)|(?=\])))*\], "in": \[(?:$in(?:, (?=\{)|(?=\])))*\]\}\n\z/, 'a line: ' . substr $_, 0, 60 for @objects;
    is scalar(@objects), sql('select count(*) from entities where deleted_at_version is null'), 'one for each object';
    is $J->decode($all[0])->{version}, sql('select max(version) from clustoversioning'), 'the newest version';
};

subtest 'as other requests say' => sub {
    for my $object (map { $J->decode($_) } @objects) {
        my $name  = $object->{name};
        my $path  = Muster::Client::uri_encode($name);
        my $shown = $J->decode($client->get("/by-name/$path", headers => { 'Clusto-Minify' => 'true' })->{body});
        is $object->{driver}, $shown->{driver}, "$name: driver";
        my %in = map { $_->{name} => 1 } @{ $object->{in} };
        is_deeply [ sort keys %in ], [ sort map { s{^/\w+/}{}r } @{ $shown->{parents} } ], "$name: containers";
        my $canonical = JSON::PP->new->utf8->allow_nonref->allow_bignum->canonical;
        my @mine      = sort map { $canonical->encode($_) } grep { $_->{key} !~ /^_/ }
            map { my $a = $_; +{ %$a, value => $a->{datatype} eq 'json' ? eval { $J->decode(Encode::encode('UTF-8', $a->{value})) } // $a->{value} : $a->{value} } } @{ $object->{attrs} };
        is_deeply \@mine, [ sort map { $canonical->encode($_) } @{ $shown->{attrs} } ], "$name: attributes";
    }
    my ($hidden) = grep { $_->{key} eq '_hidden' } @{ $by_name{web1}{attrs} };
    is_deeply $hidden, { key => '_hidden', subkey => 'x', number => undef, datatype => 'string', value => 'y' }, 'hidden ones, too';
    is scalar(grep { $_->{key} eq '_contains' } map { @{ $_->{attrs} } } values %by_name), 0, 'but not what is contained';
    is_deeply [ map { [ @$_{qw(name subkey number)} ] } @{ $by_name{web4}{in} } ], [ map { [ 'r1', 'ru', $_ ] } 2, 10, 11 ], 'units of a rack';
    like join('', @objects), qr/"value": 9223372036854775807\}/, 'a large number to its last digit';
    like join('', @objects), qr/"value": "\{\\"b\\":  1\.50, \\"a\\": \[1e3, \\"\\\\u00e9\x{c3}\x{a9}\\"\]\}"/, 'JSON as it is stored';
    like join('', @objects), qr/"datatype": "relation", "value": null\}/, 'what is gone is null';
};

subtest 'order' => sub {
    is names(@objects), Encode::decode('UTF-8', Encode::encode('UTF-8', join ' ', qw(Zoë apool clustometa dc), q{it's "quoted" \ /}, qw(web11 web12 web5 web6 web7 web8 web9 zpool Ü 日本),
        qw(inner r1 r2 web10 é), qw(below circle1 circle2 self web1 web3 web4), 'web2')), 'by depth, then by name; circles and what is below them are last';
    is_deeply [ map { $_->{number} // 'none' } grep { $_->{key} eq 'n' } @{ $by_name{web1}{attrs} } ], [ 'none', 2, 2, 2, 10 ], 'attributes by number';
    is_deeply [ map { $_->{subkey} // 'none' } grep { ($_->{number} // 0) == 2 } @{ $by_name{web1}{attrs} } ], [qw(none a b)], '... then by subkey';
    is_deeply [ map { $_->{value} // 'null' } grep { $_->{key} eq 't' } @{ $by_name{web1}{attrs} } ], [ 5, 'null', '', 'B', 'b', "\x{e4}\"\\/\b\x01\x7f\n  \x{1d11e}" ], '... then by datatype and value';
    is_deeply [ map { $_->{value} // 'null' } grep { $_->{key} eq 'owner' } @{ $by_name{web1}{attrs} } ], [qw(null /pool/apool /pool/zpool)], '... relations by what they say';
    is_deeply [ map { $_->{name} } @{ $by_name{web1}{in} } ], [qw(apool inner)], 'memberships by name';
};

# The objects of these lines in an empty database, in another order: nothing but ids differs.
sub copy {
    my ($database, @lines) = @_;
    my $encoder = JSON::PP->new->allow_nonref;
    my $text    = sub { defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'null' };
    my @sql     = ($id, q{insert into clustoversioning(timestamp, "user", description) values (localtimestamp, 'test', 'copy'); delete from entity_attrs; delete from entities;});
    my @copied  = sort { $b->{name} cmp $a->{name} } map { $J->decode($_) } @lines;
    push @sql, map { my ($n, $d) = map { $text->($_) } @$_{qw(name driver)}; "insert into entities (name, type, driver, version) values ($n, 't', $d, 1);" } @copied;
    my %column = (int => 'int_value', datetime => 'datetime_value', relation => 'relation_id');
    for my $o (@copied) {
        my $owner = 'pg_temp.id(' . $text->($o->{name}) . ')';
        for my $a (reverse @{ $o->{attrs} }) {
            my $value = $text->($a->{value});
            $value = defined $a->{value} ? 'pg_temp.id(' . $text->($a->{value} =~ s{^/\w+/}{}r) . ')' : 'null' if $a->{datatype} eq 'relation';
            push @sql, "insert into entity_attrs (entity_id, key, subkey, number, datatype, @{[ $column{ $a->{datatype} } // 'string_value' ]}, version) values ($owner, "
                . join(', ', $text->($a->{key}), $text->($a->{subkey}), $a->{number} // 'null', "'$a->{datatype}'", $value) . ', 1);';
        }
        push @sql, map { "insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version) values (pg_temp.id(@{[ $text->($_->{name}) ]}), '_contains', "
            . join(', ', $text->($_->{subkey}), $_->{number} // 'null') . ", 'relation', $owner, 1);" } reverse @{ $o->{in} };
    }
    spew("$tmp/copy.sql", Encode::encode('UTF-8', join "\n", @sql));
    $pg->psql(undef, file => "$tmp/copy.sql", database => $database);
    return;
}

subtest 'a copy with other ids has the same lines' => sub {
    my $database = $pg->create_database('copy');
    my $other = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($database), start => 0);
    copy($database, @objects);
    my $result = $other->run_program([ '--export', '-' ]);
    is $result->{status}, 0, 'muster --export -' or diag $result->{err};
    my @copied = objects(split /^/, $result->{out});
    is_deeply \@copied, \@objects, 'line by line';
    isnt $pg->psql(q{select entity_id from entities where name = 'web1'}, database => $database), sql(q{select max(entity_id) from entities where name = 'web1'}), 'by other ids';
};

subtest 'a selection' => sub {
    is names(objects(export({ driver => 'pool' }))), 'Zoë apool it\'s "quoted" \ / zpool Ü 日本 inner é below circle1 circle2 self', 'of a driver';
    is names(objects(export({ driver => [ 'basicrack', 'basicdatacenter' ] }))), 'dc r1 r2', 'of several';
    is names(objects(export({ q => 'within apool' }))), 'inner web1', 'of a query';
    is names(objects(export({ q => 'within apool', driver => 'pool' }))), 'inner', 'of both';
    is names(objects(export({ q => 'name = nobody' }))), '', 'nothing';
    is_deeply [ objects(export({ q => 'name = web1' })) ], [ grep { /"name": "web1", "attrs"/ } @objects ], 'the same line';
    for my $case ([ { driver => 'pond' }, 412, qr/"pond" is not a valid driver/ ], [ { driver => '' }, 412, qr/not a valid driver/ ], [ { q => '' }, 412, qr/Provide a query/ ], [ { q => 'nonsense' }, 400, qr/line 1, column 1/ ], [ { type => 'pool' }, 400, qr/"type".*driver, q/ ]) {
        my ($query, $status, $message) = @$case;
        my $answer = $client->get('/export', query => $query);
        is $answer->{status}, $status, join ' ', %$query;
        like $answer->{json}, $message, '... with its reason';
    }
    is $client->get('/export', headers => { 'If-Match' => '"x"' })->{status}, 400, 'there are no entity tags';
    is $client->request(HEAD => '/export')->{status}, 200, 'HEAD';
    is $client->request(POST => '/export')->{status}, 405, 'POST';
};

subtest 'as of a version' => sub {
    my ($version) = map { $J->decode($_)->{version} } $all[0];
    my @before = objects(export());
    my $done = sub { my ($status, @request) = @_; my $answer = $client->request(@request); is $answer->{status}, $status, "$request[0] $request[1]" or diag $answer->{body} };
    $done->(200, POST => '/entity/pool/inner', form => [ action => 'rename', to => 'renamed' ]);
    $done->(204, DELETE => '/entity/pool/apool');
    $done->(201, POST => '/entity/pool', form => [ name => 'new' ]);
    $done->(200, POST => '/entity/pool/new', form => [ action => 'insert', device => 'web9' ]);
    $done->(200, PUT => '/attribute/web1/n/a/2', form => [ value => 8, datatype => 'int' ]);
    my @after = objects(export());
    unlike join('', @after), qr/"(?:inner|apool)"/, 'what was renamed and deleted is not there now';
    my @past = export({}, 'Clusto-As-Of' => $version);
    is $J->decode($past[0])->{version}, $version, 'the version';
    is_deeply [ objects(@past) ], \@before, 'the same lines as then';
    is_deeply [ export({}, 'Clusto-As-Of' => $version) ], \@past, 'the first line, too, is always the same';
    is names(objects(export({ q => 'within apool' }, 'Clusto-As-Of' => $version))), 'inner web1', 'a query of then';
    is names(objects(export({ q => 'directly within new' }))), 'web9', 'and of now';
    my @now = export({}, 'Clusto-As-Of' => 'now');
    is_deeply [ objects(@now) ], \@after, 'now';
    is names(objects(export({}, 'Clusto-As-Of' => 0))), '', 'before all';
    is $client->get('/export', headers => { 'Clusto-As-Of' => 1_000_000 })->{status}, 400, 'the future';
};

subtest 'into a file' => sub {
    my $muster = $world->server;
    my $file   = "$tmp/inventory.ndjson";
    my $old    = umask 027;
    my $result = $muster->run_program([ '--export', $file ]);
    umask $old;
    is $result->{status}, 0, 'it is written' or diag $result->{err};
    my @lines = split /^/, slurp($file);
    my $here  = join '', objects(export());
    is join('', objects(@lines)), $here, '... as by the request';
    is $result->{out}, @lines - 2 . " objects\n", '... and told of';
    is sprintf('%o', (stat $file)[2] & 0777), '640', '... with the permissions of a new file';
    symlink $file, "$tmp/link";
    is $muster->run_program([ '--export', "$tmp/link", '--driver', 'basicrack', '--driver', 'basicdatacenter', '--query', 'name ^ r' ])->{status}, 0, 'through a link, a selection';
    ok -l "$tmp/link", '... which stays one';
    is names(objects(split /^/, slurp($file))), 'r1 r2', '... and what it leads to is replaced';
    my $kept = slurp($file);
    for my $case ([ 'of no driver', '--driver', 'pond' ], [ 'a bad query', '--query', 'nonsense' ], [ 'without a database', '-c', "$tmp/away.conf" ]) {
        my ($name, @more) = @$case;
        spew("$tmp/away.conf", 'database = "host=/nowhere"; ');
        my $failed = $muster->run_program([ '--export', $file, @more ]);
        is $failed->{status}, 1, "$name: fails";
        isnt $failed->{err}, '', '... says why';
        is slurp($file), $kept, '... and leaves the file alone';
    }
    for my $other ('/dev/null', $tmp, "$tmp/no/such/directory") {
        is $muster->run_program([ '--export', $other ])->{status}, 1, "$other: refused";
    }
    ok -c '/dev/null', 'the device is still there';
    is_deeply [ map { basename($_) } glob "$tmp/inventory.ndjson*" ], ['inventory.ndjson'], 'nothing else is left behind';
    is $muster->run_program([ '--export', '/dev/full' ])->{status}, 1, 'a full device';
    is $muster->run_program(['--query=all'])->{status}, 2, '--query alone';
    is $muster->run_program([ '--export', $file, '--check-db' ])->{status}, 2, 'two things at once';
};

# All attributes "gen" of all objects have the same value in every snapshot, and each of them has one.
subtest 'one snapshot, while others write' => sub {
    load_many($pg, count => 5000, attrs => 1, prefix => 'many', pool => 'manypool');
    sql(q{insert into entity_attrs (entity_id, key, datatype, int_value, version) select entity_id, 'gen', 'int', 0, 1 from entities where name like 'many0%'});
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        for my $n (1 .. 200) {
            last if -e "$tmp/enough";
            sql(q{begin; update entity_attrs set int_value = int_value + 1 where key = 'gen'; update entity_attrs set string_value = string_value || 'x' where key = 'key1' and entity_id % 50 = 0;}
                . qq{ insert into entities (name, type, driver, version) values ('extra$n', 'pool', 'pool', 1); commit});
        }
        require POSIX;
        POSIX::_exit(0);
    }
    my (%seen, @wrong);
    for my $round (1 .. 200) {
        my $body = $client->get('/export', query => { q => 'name ^ many0 or name ^ extra' })->{body};
        my %values = map { $_ => 1 } $body =~ /"key": "gen", "subkey": null, "number": null, "datatype": "int", "value": (\d+)/g;
        my $extra = () = $body =~ /"name": "extra\d+"/g;
        push @wrong, join(' ', sort keys %values) . " with $extra" if keys %values != 1 || !$values{$extra} || $body !~ /^\{"complete": true, "objects": @{[ 5000 + $extra ]}\}\n\z/m;
        $seen{$_}++ for keys %values;
        last if keys %seen > 5;
    }
    spew("$tmp/enough", '');
    waitpid $pid, 0;
    cmp_ok scalar(keys %seen), '>', 2, scalar(keys %seen) . ' different states were seen';
    is_deeply \@wrong, [], 'each of them whole';
};

# A pipe that nobody reads holds the export up in its middle.
subtest 'what breaks off has no last line' => sub {
    my $muster = $world->server;
    for my $way ('--export', '--once') {
        my %environment = (REQUEST_METHOD => 'GET', PATH_INFO => '/export', SCRIPT_NAME => '', QUERY_STRING => '', REQUEST_URI => '/export', SERVER_PROTOCOL => 'HTTP/1.1', SERVER_NAME => 'localhost', SERVER_PORT => 80);
        my @command = ($muster->command($way eq '--export' ? ('--export', '-') : '--once'));
        local @ENV{ keys %environment } = values %environment;
        my $pid = open(my $out, '-|', @command) // die "$way: $!\n";
        sysread $out, my $text, 100; # it has begun to write, and goes on until the pipe is full
        my $in_it = q{from pg_stat_activity where application_name like 'muster%' and state <> 'idle' and pid <> pg_backend_pid()};
        ok poll(60, sub { sql("select count(*) $in_it") > 0 }), "$way: it is in the middle";
        sql("select pg_terminate_backend(pid) $in_it");
        $text .= do { local $/; <$out> };
        close $out;
        is $? >> 8, 1, '... ends with 1';
        like $text, qr/^\{"muster": "export"/m, '... has its first line';
        unlike $text, qr/"complete"/, '... but not its last';
    }
};

subtest 'nor has it through the front server' => sub {
    load_many($pg, count => 20_000, attrs => 5, prefix => 'more');
    my $whole = $client->get('/export', timeout => 120);
    like $whole->{body}, qr/^\{"complete": true, "objects": 25\d{3}\}\n\z/m, 'a long one';
    my $end_it = q{select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%' and state <> 'idle' and pid <> pg_backend_pid()};
    my ($broken, @wrong) = (0);
    my $look = sub {
        my ($answer) = @_;
        my $ended = $answer->{body} =~ /^\{"complete": true, "objects": 25\d{3}\}\n\z/m;
        push @wrong, "$answer->{status} " . substr $answer->{body}, -100 if $answer->{status} == 200 && $ended != $answer->{complete} || $answer->{status} !~ /^(?:200|503)$/;
        $broken++ if $answer->{status} == 200 && !$ended;
    };
    # In its middle: without a file of its own the front server stops reading when the client does.
    my $front = Muster::Front->new(server => $world->server, edit => sub { $_[0] =~ s/fastcgi_max_temp_file_size \K\w+/0/r });
    for my $round (1 .. 3) {
        my $middle = sub { ok poll(60, sub { sql($end_it) ne '' }), 'in its middle it loses the database' };
        $look->($front->client->raw("GET /export HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", timeout => 120, begun => $middle));
    }
    is $broken, 3, '... and is broken off';
    $front->stop;
    # At any time.
    for my $round (1 .. 10) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            select undef, undef, undef, rand 0.5;
            eval { sql($end_it) };
            require POSIX;
            POSIX::_exit(0);
        }
        $look->($client->get('/export', timeout => 120));
        waitpid $pid, 0;
    }
    is_deeply \@wrong, [], 'whole with its last line, or broken off without it, or refused';
    cmp_ok $broken, '>', 0, "$broken times it broke off";
};
$world->stop;

# --- memory

SKIP: {
    my $many  = $ENV{MUSTER_SLOW} || $ENV{MUSTER_FAST} ? 30_000 : 100_000;
    my $pg    = Muster::Postgres->new(settings => { shared_buffers => '128MB' });
    my $other = Muster::Server->new(postgres => $pg, conf => { workers => 1, statement_timeout => 120_000, connect_timeout => 60_000 }, start => 0);
    skip 'memory of this build says nothing', 1 if $ENV{MUSTER_WRAPPER} || Muster::Process::run([ 'grep', '-q', '__asan_init', $other->{program} ])->{status} == 0;
    load_many($pg, count => $many, attrs => 5, pool => 'everything');
    $other->start;
    my ($pid)  = $other->workers(1);
    my $front  = Muster::Front->new(server => $other);
    my $client = $front->client(timeout => 120);
    my $peak   = sub { my $answer = $client->get($_[0]); return ($answer, $other->memory($pid)) };
    my (undef, $before)  = $peak->('/entity/pool');
    my (undef, $ordered) = $peak->('/export?driver=pool');
    my ($long, $after)   = $peak->('/export');
    like $long->{body}, qr/^\{"complete": true, "objects": @{[ $many + 2 ]}\}\n\z/m, "$many objects";
    my ($order, $rest) = ($ordered - $before, $after - $ordered);
    cmp_ok $order, '<', 2048 + $many / 10, "the worker needs $order KiB for names and memberships";
    cmp_ok $rest,  '<', 4 * 1024, "and $rest KiB more for @{[ length $long->{body} ]} bytes";
    $front->stop;
    $other->stop;
    $pg->stop;
}

# --- a database that Python clusto made, before --init-db and after it: names that are not unique, what has
# no value or two, datatypes and drivers that nobody knows

subtest 'of Python clusto' => sub {
    my $pg = Muster::Postgres->new(database => undef);
    my $database = $pg->create_database('python');
    $pg->psql(python_tables() . <<'SQL', database => $database);
insert into entities(name, type, driver, version) values ('clustometa', 'clustometa', 'clustometa', 1), ('p1', 'pool', 'pool', 1), ('twin', 'server', 'basicserver', 1), ('twin', 'pool', 'pool', 1), ('odd', 'weird', 'ownthing', 1), ('self', 'pool', 'pool', 1);
insert into entities(name, type, driver, version, deleted_at_version) values ('gone', 'pool', 'pool', 1, 2);
insert into entity_attrs(entity_id, key, subkey, number, datatype, int_value, string_value, relation_id, version) values
    (2, '_contains', null, 0, 'relation', null, null, 3, 1), (2, '_contains', null, 0, 'relation', null, null, 5, 1), (6, '_contains', null, 0, 'relation', null, null, 6, 1), (2, '_contains', null, 1, 'relation', null, null, null, 1),
    (5, null, null, null, 'string', null, 'nameless', null, 1), (5, 'a', null, null, 'int', null, null, null, 1), (5, 'b', null, null, 'string', null, null, null, 1), (5, 'c', null, null, 'json', null, null, null, 1),
    (5, 'd', null, null, 'strange', null, 'text', null, 1), (5, 'e', null, null, 'strange', 17, null, null, 1), (5, 'f', null, null, 'int', 3, 'both', null, 1), (5, 'g', null, null, 'datetime', null, null, null, 1), (5, 'h', null, null, 'relation', null, null, null, 1), (5, 'i', null, null, 'relation', null, null, 7, 1), (5, '_contains', null, null, 'relation', null, null, 7, 1), (7, '_contains', null, null, 'relation', null, null, 2, 1);
SQL
    my $muster = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($database), schema => 0, start => 0);
    my $wanted = join '', map { "$_\n" } (
        '{"driver": "clustometa", "name": "clustometa", "attrs": [], "in": []}',
        '{"driver": "pool", "name": "p1", "attrs": [], "in": []}',
        '{"driver": "pool", "name": "twin", "attrs": [], "in": []}',
        '{"driver": "ownthing", "name": "odd", "attrs": ['
            . join(', ', map { my ($key, $datatype, $value) = @$_; qq({"key": "$key", "subkey": null, "number": null, "datatype": "$datatype", "value": $value}) } [ '', 'string', '"nameless"' ], [qw(a int 0)], [qw(b string null)],
                [qw(c json "null")], [qw(d string "text")], [qw(e string "17")], [qw(f int 3)], [qw(g datetime null)], [qw(h relation null)], [qw(i relation null)])
            . '], "in": [{"name": "p1", "subkey": null, "number": 0}]}',
        '{"driver": "pool", "name": "self", "attrs": [], "in": [{"name": "self", "subkey": null, "number": 0}]}',
        '{"driver": "basicserver", "name": "twin", "attrs": [], "in": [{"name": "p1", "subkey": null, "number": 0}]}',
    );
    for my $when ('before --init-db', 'after it') {
        $muster->init_db if $when eq 'after it';
        my $result = $muster->run_program([ '--export', '-' ]);
        is $result->{status}, 0, $when or diag $result->{err};
        my (undef, @lines) = split /^/, $result->{out};
        is join('', @lines[ 0 .. $#lines - 1 ]), $wanted, '... its lines';
        is $lines[-1], "{\"complete\": true, \"objects\": 6}\n", '... and the last';
    }
    $pg->stop;
};

done_testing;
