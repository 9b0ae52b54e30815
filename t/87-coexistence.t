#!/usr/bin/perl
# 87-coexistence.t: muster beside Python clusto, at the same moment: each operation of a foreign writer is stopped at
# each of its steps, and each of ours is done meanwhile; then a load by both.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time sleep);
use Muster::Client qw(parallel);
use Muster::Data qw(python_tables);
use Muster::Foreign;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(run which);
use Muster::Server;

my $FAST     = $ENV{MUSTER_FAST} || $ENV{MUSTER_SANITIZED};    # the sanitizers' build takes minutes for all pairs
my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $SECONDS  = $ENV{MUSTER_COEXIST_SECONDS} // ($FAST ? 5 : 20);
my $postgres = Muster::Postgres->new(database => undef, settings => { track_commit_timestamp => 'on' });
$postgres->create_database('inventory');
$postgres->{database} = 'inventory';
$postgres->psql(python_tables());
$postgres->psql(<<'SQL');
insert into clustoversioning(timestamp, "user", description) values (localtimestamp, 'python', 'init');
insert into entities(name, type, driver, version) values ('clustometa', 'clustometa', 'clustometa', 1);
insert into entity_attrs(entity_id, key, subkey, datatype, int_value, version) values (1, 'schemaversion', 'property', 'int', 3, 1);
SQL
my $server = Muster::Server->new(postgres => $postgres, conf => {
    workers      => 4,
    lock_timeout => 3000,
    drivers      => [
        { name => 'keyless', type => 'resourcemanager', parent => 'resourcemanager' },
        { name => 'ec2', type => 'resourcemanager', parent => 'resourcemanager', resource_key => 'ec2vm' },
        { name => 'simplenummanager', type => 'resourcemanager', parent => 'resourcemanager', resource_key => 'simplenum',
          properties => [ { name => 'next', type => 'int', default => 0 }, { name => 'maxnum', type => 'int' } ] },
        { name => 'shelfswitch', type => 'networkswitch', parent => [ 'location', 'basicnetworkswitch' ] },
        { name => 'netpool', type => 'pool', parent => 'pool', ips => JSON::PP::true },
    ],
});
my $front  = Muster::Front->new(server => $server);
my $client = $front->client;
my $watch  = Muster::Foreign->new($postgres);
my $python = Muster::Foreign->new($postgres);

# What muster does meanwhile: method, path, form; and a condition that holds afterwards if it said 2xx. %d: the number of the pair.
my $on    = sub { my ($driver, $name) = @_; return "/resourcemanager/$driver/$name" };
my $alive = "select entity_id from entities where deleted_at_version is null and name =";
my $has   = sub { my ($name, $key, $more) = @_; return "exists (select from entity_attrs where entity_id = ($alive '$name%d') and key = '$key' and deleted_at_version is null" . ($more ? " and $more" : '') . ')' };
my %OURS = (
    create      => [ POST   => '/entity/basicserver', [ name => 'name%d' ], "1 = (select count(*) from entities where name = 'name%d' and deleted_at_version is null)" ],
    delete      => [ DELETE => '/entity/basicserver/server%d', undef, "not exists ($alive 'server%d')" ],
    rename      => [ POST   => '/entity/basicserver/server%d', [ action => 'rename', to => 'server%d-ours' ], "exists ($alive 'server%d-ours')" ],
    driver      => [ POST   => '/entity/basicserver/server%d', [ action => 'driver', to => 'basicvirtualserver' ], "exists ($alive 'server%d' and driver = 'basicvirtualserver')" ],
    set         => [ PUT    => '/attribute/server%d/owner', [ value => 'muster' ], $has->('server', 'owner', "string_value = 'muster'") ],
    add         => [ POST   => '/attribute/server%d', [ key => 'added', value => 'muster' ], $has->('server', 'added') ],
    pool        => [ POST   => '/entity/pool/pool%d', [ action => 'insert', device => 'other%d' ], $has->('pool', '_contains', "relation_id = ($alive 'other%d')") ],
    rack        => [ POST   => '/entity/basicrack/rack%d', [ action => 'insert', device => 'other%d', rackU => 7 ], $has->('rack', '_contains', "relation_id = ($alive 'other%d')") ],
    move        => [ POST   => '/entity/basicrack/rack%d', [ action => 'move', device => 'server%d', rackU => 8 ], $has->('rack', '_contains', "number = 8 and relation_id = ($alive 'server%d')") ],
    cable       => [ POST   => '/entity/basicserver/other%d/ports', [ action => 'connect', type => 'nic-eth', number => 1, to => 'server%d', to_number => 2 ], $has->('other', 'port-nic-eth', "number = 1 and relation_id = ($alive 'server%d')") ],
    ip          => [ POST   => $on->('ipmanager', 'ip%d'), [ object => 'other%d' ], $has->('other', 'ip') ],
    'ip, named' => [ POST   => $on->('ipmanager', 'ip%d'), [ object => 'other%d', resource => '%a' ], $has->('other', 'ip') ],
    label       => [ POST   => $on->('simplenamemanager', 'names%d'), [ object => 'other%d' ], $has->('other', 'simplename') ],
);

# What the foreign writer's operation leaves if it was committed; and which of ours undo it.
my %THEIRS = (
    create      => [ "1 = (select count(*) from entities where name = 'name%d' and deleted_at_version is null)", '' ],
    delete      => [ "not exists ($alive 'server%d')", '' ],
    rename      => [ "(exists ($alive 'server%d-renamed') and not exists ($alive 'server%d'))", 'delete rename' ],
    set         => [ $has->('server', 'owner', "string_value = 'python'"), 'delete set rename' ],
    pool        => [ $has->('pool', '_contains', "relation_id = ($alive 'server%d')"), 'delete rename' ],
    rack        => [ $has->('rack', '_contains'), 'delete rename' ],
    cable       => [ $has->('server', 'port-nic-eth'), 'delete rename' ],
    ip          => [ $has->('server', 'ip'), 'delete rename' ],
    'ip, named' => [ '(' . $has->('server', 'ip') . ' or ' . $has->('other', 'ip') . ')', 'delete rename' ],
    'ip, bare'  => [ $has->('server', 'ip'), 'delete rename' ],
    label         => [ $has->('server', 'simplename'), 'delete rename' ],
    'label, bare' => [ $has->('server', 'simplename'), 'delete rename' ],
);

# The objects of pairs $from to $to: two servers, a pool, a rack, managers. Names, addresses and labels of each pair are its own.
sub lay_out {
    my ($from, $to) = @_;
    my $properties = sub {
        my ($name, %values) = @_;
        return map { "insert into entity_attrs(entity_id, key, subkey, datatype, string_value, version)
            select e.entity_id, '$_', 'property', 'string', $values{$_}, 1 from generate_series($from, $to) n join entities e on e.name = '$name' || n;" } sort keys %values;
    };
    $postgres->psql(join "\n", (map { my ($name, $type, $driver) = @$_; "insert into entities(name, type, driver, version)
            select '$name' || n, '$type', '$driver', 1 from generate_series($from, $to) n;" }
            [ server => 'server', 'basicserver' ], [ other => 'server', 'basicserver' ], [ pool => 'pool', 'pool' ], [ rack => 'rack', 'basicrack' ],
            [ ip => 'resourcemanager', 'ipmanager' ], [ names => 'resourcemanager', 'simplenamemanager' ]),
        $properties->('ip', baseip => "format('10.%s.%s.0', n / 256, n % 256)", netmask => "'255.255.255.0'"),
        $properties->('names', basename => "'l' || n || '-'", digits => "'2'", next => "'1'", leadingZeros => "'1'"),
        'analyze entities, entity_attrs;');
    return;
}

sub address { my ($n) = @_; return -2147483648 + 10 * 2**24 + $n * 256 + 1 }

sub fill { my ($n, $text) = @_; my $a = '10.' . int($n / 256) . '.' . $n % 256 . '.1'; return $text =~ s/%d/$n/gr =~ s/%a/$a/gr }

# One of ours in the background: a function that waits for its status.
sub begin_ours {
    my ($n, $what) = @_;
    my ($method, $path, $form) = @{ $OURS{$what} };
    pipe my $out, my $in or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $answer = $client->request($method, fill($n, $path), $form ? (form => [ map { fill($n, $_) } @$form ]) : ());
        print {$in} "$answer->{status} " . ($answer->{body} // '');
        close $in;
        POSIX::_exit(0);
    }
    close $in;
    my $ready = sub { IO::Select->new($out)->can_read($_[0]) };
    return ($ready, sub { local $/; my $text = <$out>; waitpid $pid, 0; return split / /, $text, 2 });
}

# Returns when ours has its answer, or waits for a lock.
sub until_answered_or_blocked {
    my ($ready) = @_;
    my $end = time + 10 * $SLOW;
    my $wait = 0.004;
    until ($ready->($wait)) {
        return 1 if $watch->ask("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'muster%'") > 0;
        return 0 if time > $end;
        $wait = 0.01;
    }
    return 1;
}

# Rows that two have, ours committed after theirs: what we gave though it was taken. Python says version 1, the triggers know better.
my $WHOSE  = "(select case when v.\"user\" = 'python' then 1 else v.version end from clustoversioning v where v.version = a.version) as version";
my $SECOND = "select format('%%s %%s: %%s', key, what, string_agg(case when version = 1 then 'python' else 'muster' end, ' ' order by done)) from (
    select pg_xact_commit_timestamp(xmin) as done, key, $WHOSE, coalesce(string_value, int_value::text) as what from entity_attrs a where key in ('ip', 'simplename') and subkey is null and deleted_at_version is null and %1\$s
    union all select pg_xact_commit_timestamp(xmin), 'number of ' || key, $WHOSE, number::text from entity_attrs a where key in ('ip', 'simplename') and subkey is null and number is not null and deleted_at_version is null and %1\$s
    union all select pg_xact_commit_timestamp(xmin), 'port', $WHOSE, concat(entity_id, ' ', number) from entity_attrs a where key = 'port-nic-eth' and subkey = 'connection' and deleted_at_version is null and %1\$s
    union all select pg_xact_commit_timestamp(xmin), '_contains', $WHOSE, concat(entity_id, ' ', subkey, number) from entity_attrs a where key = '_contains' and deleted_at_version is null and %2\$s) t
    group by key, what having count(*) > 1 and max(done) filter (where version <> 1) > min(done)";
my $LASTS    = "select count(*) from (select from entity_attrs where key = '_lastip' and deleted_at_version is null group by entity_id having count(*) > 1) x";
my $COUNTERS = "select count(*) from (select from counters group by entity_id, attr_key having count(*) > 1) x";

# One pair; what is wrong with it.
my %done;
sub pair {
    my ($n, $theirs, $pause, $ours) = @_;
    my @steps = $python->steps($theirs, (map { ($_ => "$_$n") } qw(server other pool rack ip names name)), base => "l$n-", address => address($n));
    my @wrong;
    $_->() for splice @steps, 0, $pause;
    my ($ready, $status_of) = begin_ours($n, $ours);
    until_answered_or_blocked($ready) or push @wrong, 'no answer and no lock';
    $_->() for @steps;
    my ($status, $body) = $status_of->();
    $done{$ours}++ if $status < 300;
    my @errors = @{ $python->{errors} };
    # The name was taken meanwhile, and this is how Python learns it.
    my $lost_race = $theirs eq 'create' && $ours eq 'create' && grep { /muster_entities_name/ } @errors;
    push @wrong, "python: @errors" if @errors && !$lost_race;
    push @wrong, "muster: $status $body" if $status >= 500 && $status != 503 || $status == 503 && $body !~ /busy|again|lock/i || $status < 200;
    push @wrong, 'muster lost what it acknowledged' if $status < 300 && !($theirs =~ /^(?:delete|rename)$/ && $ours =~ /^(?:set|add|delete|cable|rename|driver|move)$/ || "$theirs $ours" eq 'set set')
        && $watch->ask('select ' . fill($n, $OURS{$ours}[3])) ne 't';
    my ($left, $undone) = @{ $THEIRS{$theirs} };
    push @wrong, 'python lost what it acknowledged' if !@errors && $undone !~ /\b$ours\b/ && $watch->ask('select ' . fill($n, $left)) ne 't';
    my $ids  = "entity_id in (select entity_id from entities where name in ('server$n', 'other$n', 'server$n-renamed', 'server$n-ours'))";
    my $in   = "entity_id in (select entity_id from entities where name in ('pool$n', 'rack$n'))";
    my $twice = $watch->ask(sprintf $SECOND, $ids, $in);
    push @wrong, "taken by muster as the second: $twice" if length $twice;
    my $orphans = $watch->ask("select a.key, a.version, a.deleted_at_version, e.deleted_at_version from entity_attrs a join entities e on e.entity_id in (a.entity_id, a.relation_id)
        where e.name in ('server$n', 'other$n', 'server$n-ours') and e.deleted_at_version is not null and a.deleted_at_version is null");
    push @wrong, "a dead object has live attributes: $orphans" if length $orphans;
    push @wrong, 'more than one _lastip' if $watch->ask("select count(*) from entity_attrs where entity_id = ($alive 'ip$n') and key = '_lastip' and deleted_at_version is null") > 1;
    push @wrong, 'a counter is there twice'  if $watch->ask("select count(*) from counters where entity_id in (1, ($alive 'pool$n'), ($alive 'names$n')) group by entity_id, attr_key having count(*) > 1 limit 1") ne '';
    return @wrong ? "$theirs stopped before step $pause, muster: $ours: " . join '; ', @wrong : ();
}

sub check_db {
    my $report = $server->run_program(['--check-db'])->{out};
    # Python gives what muster has given in between, as it would what another Python has.
    return grep { !/^\d+ found$|^address .* is held more than once|^unit .* is taken more than once|^port-.* is connected more than once/ } split /\n/, $report;
}

subtest 'each of theirs, stopped at each step, with each of ours' => sub {
    my @pairs = map { my $theirs = $_; my @steps = $python->steps($theirs);
        map { my $pause = $_; map { [ $theirs, $pause, $_ ] } sort keys %OURS } 1 .. $#steps } Muster::Foreign::operations();
    @pairs = @pairs[ grep { $_ % 5 == $$ % 5 } 0 .. $#pairs ] if $FAST;
    lay_out(1, scalar @pairs);
    my $n = 0;
    my @wrong = map { pair(++$n, @$_) } @pairs;
    diag $_ for @wrong;
    is_deeply(\@wrong, [], scalar(@pairs) . ' pairs are as they should be');
    is_deeply([ grep { !$done{$_} } sort keys %OURS ], [], 'each of ours was done beside some of theirs');
    is_deeply([ check_db() ], [], 'and --check-db finds nothing that Python alone would not have left');
};

subtest 'JSON is stored as Python stores it' => sub {
    $client->post('/entity/basicserver', form => { name => 'json' });
    my $value = { a => [ 1, 'B', undef ], c => "\x{e9}\x{1f600}\x{7f}\x{1f}\n/\"" };
    is($client->post('/attribute/json', json => [ { key => 'j', value => $value } ])->{status}, 201, 'set');
    my $stored = '{"a": [1, "B", null], "c": "\u00e9\ud83d\ude00\u007f\u001f\n/\""}';
    is($postgres->psql("select string_value from entity_attrs where key = 'j'"), $stored, 'with its spacing and escapes');
    is_deeply($client->get('/attribute/json/j')->{json}[0]{value}, $value, 'shown as it was meant');
    is_deeply($client->get('/by-attr', query => { key => 'j', value => $_->[0] })->{json}, ['/basicserver/json'], "and found $_->[1]")
        for [ $stored, 'as it is stored' ], [ qq({"a":[1,"B",null],"c":"\x{e9}\x{1f600}\\u007f\\u001F\\n/\\""}), 'otherwise written' ];
};

sub status { my ($method, $path, @form) = @_; return $client->request($method, $path, @form ? (form => \@form) : ())->{status} }

subtest 'resource keys of configured managers' => sub {
    status(POST => "/resourcemanager/$_", name => "a-$_") for qw(keyless ec2);
    status(POST => '/resourcemanager/simplenummanager', name => 'numbers', next => 3, maxnum => 5);
    status(POST => '/entity/basicserver', name => "owner$_") for 1 .. 2;
    for my $method (qw(POST DELETE)) {
        my $refused = $client->request($method, '/resourcemanager/keyless/a-keyless', form => { object => 'owner1', resource => 'x' });
        is_deeply([ $refused->{status}, $refused->{json} =~ /resource_key/ ? 1 : 0 ], [ 409, 1 ], "without one, $method is refused, and the setting named");
    }
    my $id = sub { $postgres->psql("select entity_id from entities where name = '$_[0]' and deleted_at_version is null") };
    $postgres->psql(join ';', map { "insert into entity_attrs (entity_id, key, subkey, number, datatype, $_->[2], version) values (" . $id->('owner2') . ", 'ec2vm', $_->[0], 0, '$_->[1]', $_->[3], 1)" }
        [ 'null', 'string', 'string_value', "'i-1'" ], [ "'manager'", 'relation', 'relation_id', $id->('a-ec2') ]);
    is($client->get('/resourcemanager/ec2/a-ec2')->{json}{count}, 1, 'what Python gave counts');
    is(status(POST => '/resourcemanager/ec2/a-ec2', object => 'owner1', resource => 'i-1'), 409, 'and is not given again');
    is(status(POST => '/resourcemanager/ec2/a-ec2', object => 'owner1', resource => 'i-2'), 201, 'another is');
    is($postgres->psql("select string_agg(key, ' ' order by key) from muster_resource_key where key in ('ec2vm', 'simplenum')"), 'ec2vm simplenum', 'the triggers know the keys');
    $postgres->psql("update entity_attrs set key = 'old' where key = 'ec2vm' and entity_id = " . $id->('owner2'));
    is(status(POST => '/resourcemanager/ec2/a-ec2', object => 'owner1', resource => 'i-3'), 201, 'rows under another key');
    ok($server->wait_log(qr/has given resources under the key "old": see resource_key of the driver "ec2"/), 'are told of in the log');
    my $number = sub { my $a = $client->post('/resourcemanager/simplenummanager/numbers', form => { object => 'owner1', @_ }); return $a->{status} == 201 ? $a->{json}{value} : $a->{status} };
    is_deeply([ $number->(), $number->(resource => 4), $number->(), $number->() ], [ 3, 4, 5, 409 ], 'numbers up to maxnum, the taken one left out');
    is($postgres->psql("select string_agg(distinct datatype, ' ') from entity_attrs where key = 'simplenum' and subkey is null"), 'int', 'as integers, as Python reads them');
    is(status(DELETE => '/resourcemanager/simplenummanager/numbers', object => 'owner1', resource => 4), 204, 'one is given back');
    is($client->get('/resourcemanager/simplenummanager/numbers')->{json}{count}, 2, 'and no longer counted');
    is(status(DELETE => '/entity/ec2/a-ec2'), 204, 'a manager that is deleted');
    is($postgres->psql("select count(*) from entity_attrs where key = 'ec2vm' and deleted_at_version is null"), 0, 'leaves no rows');
};

subtest 'several parents, addresses' => sub {
    status(POST => '/entity/shelfswitch', name => 'shelf');
    status(POST => '/entity/netpool',     name => 'netpool1');
    status(POST => '/entity/basicrack',   name => 'shelfrack');
    is(status(POST => '/entity/basicrack/shelfrack', action => 'insert', device => 'shelf', rackU => 1), 200, 'a location that is a switch too can be racked');
    is(status(POST => '/entity/shelfswitch/shelf', action => 'insert', device => 'owner2'), 200, 'and behaves as a location');
    is_deeply([ map { exists $client->get("/by-name/$_")->{json}{ips} ? 1 : 0 } qw(shelf netpool1 pool1) ], [ 1, 1, 0 ], 'addresses of a parent, of its own, none');
};

subtest 'everything below any container' => sub {
    is(status(GET => '/from-pools?pool=shelf'), 409, 'not a pool');
    is_deeply($client->get('/from-pools?pool=shelfrack&containers=true')->{json}, [ '/basicserver/owner2', '/shelfswitch/shelf' ], 'below a rack');
    is_deeply($client->get('/from-pools?pool=shelfrack&containers=true&children=no')->{json}, ['/shelfswitch/shelf'], 'only in it');
};

subtest 'ports' => sub {
    status(POST => '/entity/basicserver', name => "wired$_") for 1 .. 2;
    status(POST => '/entity/basicnetworkswitch', name => 'switch');
    my $ports = sub { my ($driver, $name, %form) = @_; return $client->request(%form ? 'POST' : 'GET', "/entity/$driver/$name/ports", %form ? (form => \%form) : ()) };
    my %cable = (action => 'connect', type => 'nic-eth', number => 2, to => 'switch', to_number => 48);
    is_deeply($ports->(basicserver => 'wired1')->{json}{'nic-eth'}, [ map { { number => $_, connection => undef, otherportnum => undef } } 1, 2 ], 'free ones');
    is_deeply($ports->(basicserver => 'wired1', %cable)->{json}{'nic-eth'}[1], { number => 2, connection => '/basicnetworkswitch/switch', otherportnum => 48 }, 'connected');
    is_deeply($ports->(basicnetworkswitch => 'switch')->{json}{'nic-eth'}[47], { number => 48, connection => '/basicserver/wired1', otherportnum => 2 }, 'on both sides');
    is_deeply([ $postgres->psql("select e.name, a.subkey, a.number, a.datatype, coalesce(a.int_value::text, r.name) from entity_attrs a join entities e using (entity_id)
        left join entities r on r.entity_id = a.relation_id where key = 'port-nic-eth' and e.name in ('wired1', 'switch') order by 1, 2") ],
        [ 'switch|connection|48|relation|wired1', 'switch|otherportnum|48|int|2', 'wired1|connection|2|relation|switch', 'wired1|otherportnum|2|int|48' ], 'as Python keeps it');
    my @refused = ([ 409, 'in use' ], [ 409, 'the other in use', number => 1 ], [ 400, 'no such port', number => 3, to_number => 1 ], [ 400, 'no such port there', number => 1, to_number => 49 ],
        [ 400, 'no such type', type => 'fibre' ], [ 400, 'no number', number => 0 ], [ 400, 'no action', action => 'cut' ], [ 404, 'nobody', to => 'nobody' ]);
    for my $refused (@refused) {
        my ($status, $why, %change) = @$refused;
        is($ports->(basicserver => 'wired1', %cable, %change)->{status}, $status, $why);
    }
    is($ports->(basicserver => 'wired1', action => 'disconnect', type => 'nic-eth', number => 2)->{status}, 200, 'disconnected') for 1 .. 2;
    is($postgres->psql("select count(*) from entity_attrs a join entities e using (entity_id) where key = 'port-nic-eth' and a.deleted_at_version is null and e.name in ('wired1', 'switch')"), 0, 'on both sides');
    $postgres->psql("insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, version) select entity_id, 'port-nic-eth', 'otherportnum', 2, 'int', 7, 1 from entities where name = 'wired1'");
    is($ports->(basicserver => 'wired1', %cable)->{status}, 200, 'connected again');
    is($postgres->psql("select string_agg(int_value::text, ' ') from entity_attrs a join entities using (entity_id) where name = 'wired1' and key = 'port-nic-eth' and subkey = 'otherportnum' and a.deleted_at_version is null"), 48, 'without what Python left of an older cable');
    is(status(DELETE => '/entity/basicserver/wired1'), 204, 'an object that is deleted');
    is($postgres->psql("select count(*) from entity_attrs a join entities e using (entity_id) where key = 'port-nic-eth' and a.deleted_at_version is null and e.name in ('wired1', 'switch')"), 0, 'frees the other side');
};

subtest 'a long transaction does not hold up other managers' => sub {
    lay_out(9001, 9002);
    my @steps = $python->steps(ip => (map { ($_ => "${_}9001") } qw(server other pool rack ip names name)), base => 'l9001-', address => address(9001));
    $_->() for @steps[ 0 .. $#steps - 1 ];
    my $begin = time;
    is(status(POST => '/resourcemanager/ipmanager/ip9002', object => 'other9002'), 201, 'another manager gives');
    is(status(POST => '/resourcemanager/ipmanager/ip9001', object => 'other9001'), 201, 'and so does the same one');
    cmp_ok(time - $begin, '<', 2 * $SLOW, 'without waiting');
    $steps[-1]->();
    is_deeply($python->{errors}, [], 'which Python does not notice');
    is($postgres->psql("select count(distinct number) from entity_attrs join entities using (entity_id) where key = 'ip' and subkey = 'manager' and name in ('server9001', 'other9001', 'other9002')"), 3, 'no number is there twice');
};

subtest "$SECONDS seconds of load by both" => sub {
    lay_out(9101, 9108);
    my $end = time + $SECONDS;
    my $n   = sub { return 9101 + int rand shift };
    # Each Python has managers of its own: two of them at one are their own business.
    my $by_python = sub {
        my ($i) = @_;
        my $f = Muster::Foreign->new($postgres);
        my ($made, $done, @errors) = (0, 0);
        while (time < $end) {
            my $what   = (qw(create delete ip ip label pool rack set), 'ip, bare')[ rand 9 ];
            my $doomed = $f->ask("select name from entities where name like 'm-%' and deleted_at_version is null order by random() limit 1");
            my @steps  = $f->steps($what, server => $what eq 'delete' ? $doomed : 'server' . $n->(8), pool => 'pool' . $n->(2), rack => 'rack' . $n->(2), ip => 'ip' . (9101 + $i),
                names => 'names' . (9101 + $i), name => "p-$i-" . $made++, base => 'l' . (9101 + $i) . '-', address => address(9101 + $i));
            $_->() for @steps;
            $done++;
            push @errors, "$what: @{ $f->{errors} }" if @{ $f->{errors} };
        }
        $f->end;
        return { done => $done, errors => \@errors };
    };
    my $by_muster = sub {
        my ($i) = @_;
        my ($made, %count) = (0);
        while (time < $end) {
            my $what   = (qw(create delete free ip ip ip label pool rack set))[ rand 10 ];
            my $server = 'server' . $n->(8);
            my @request = $what eq 'create' ? (POST => '/entity/basicserver', form => { name => "m-$i-" . $made++ })
                : $what eq 'delete' ? (DELETE => '/entity/basicserver/p-' . int(rand 2) . '-' . int rand(1 + $made))
                : $what eq 'ip'     ? (POST => '/resourcemanager/ipmanager/ip' . $n->(2), form => { object => $server })
                : $what eq 'free'   ? (DELETE => '/resourcemanager/ipmanager/ip' . $n->(2), form => { object => $server })
                : $what eq 'label'  ? (POST => '/resourcemanager/simplenamemanager/names' . $n->(2), form => { object => $server })
                : $what eq 'pool'   ? (POST => '/entity/pool/pool' . $n->(2), form => { action => rand() < 0.5 ? 'insert' : 'remove', device => $server })
                : $what eq 'rack'   ? (POST => '/entity/basicrack/rack' . $n->(2), form => { action => 'move', device => $server, rackU => 7 })
                :                     (PUT => "/attribute/$server/owner", form => { value => 'muster' });
            $count{ $client->request(@request)->{status} }++;
        }
        return \%count;
    };
    my @results = parallel(5, sub { return $_[0] < 2 ? $by_python->($_[0]) : $by_muster->($_[0]) }, timeout => $SECONDS + 60);
    my %statuses;
    for my $count (@results[ 2 .. 4 ]) { $statuses{$_} += $count->{$_} for keys %$count }
    diag "python: $results[0]{done} and $results[1]{done}; muster: ", join ', ', map { "$statuses{$_} x $_" } sort keys %statuses;
    is_deeply([ map { @{ $_->{errors} } } @results[ 0, 1 ] ], [], 'no operation of Python failed');
    is_deeply([ grep { !/^(?:20[0-4]|404|409|503)$/ } sort keys %statuses ], [], 'every answer of muster is one that fits');
    my $of = sub { my ($names) = @_; "entity_id in (select entity_id from entities where name ~ '^($names)91')" };
    is_deeply([ $postgres->psql(sprintf $SECOND, $of->('server'), $of->('pool|rack')) ], [], 'muster gave nothing that was taken');
    is($postgres->psql("select count(*) from (select from entity_attrs where key = '_lastip' and deleted_at_version is null group by entity_id having count(*) > 1
        union all select from counters group by entity_id, attr_key having count(*) > 1) x"), 0, 'one _lastip, one counter of each');
    is_deeply([ grep { !/ is in more than one rack/ } check_db() ], [], '--check-db finds nothing that Python alone would not have left');
};

# clusto itself, where it is installed: the foreign writer above sends what it sends, as far as we know.
my $CLUSTO = <<'PYTHON';
import sys, time
import ConfigParser
import clusto
from clusto.drivers import BasicServer, Pool, IPManager
config = ConfigParser.RawConfigParser()
config.add_section('clusto')
config.set('clusto', 'dsn', sys.argv[1])
clusto.connect(config)
me, seconds = sys.argv[2], float(sys.argv[3])
end, done, failed = time.time() + seconds, 0, []
def once(what, work):
    global done
    try:
        work()
        done += 1
    except Exception as e:
        clusto.SESSION.rollback()
        failed.append('%s: %s' % (what, e))
n = 0
while time.time() < end:
    n += 1
    name = 'real-%s-%d' % (me, n)
    once('create', lambda: BasicServer(name))
    once('attribute', lambda: clusto.get_by_name(name).set_attr('owner', 'python'))
    once('pool', lambda: clusto.get_by_name('realpool').insert(clusto.get_by_name(name)))
    once('address', lambda: clusto.get_by_name('realip').allocate(clusto.get_by_name(name)))
    once('shared', lambda: clusto.get_by_name('realserver').set_attr('owner', 'python'))
    if n % 3 == 0:
        once('delete', lambda: clusto.delete_entity(clusto.get_by_name(name).entity))
print('done %d' % done)
for line in failed:
    print('failed ' + line.replace('\n', ' '))
PYTHON

SKIP: {
    my $python2 = which('python2') // which('python2.7');
    skip 'python2 is not installed', 1 unless $python2;
    skip 'clusto and psycopg2 are not installed for python2', 1 if run([ $python2, '-c', 'import clusto, psycopg2' ])->{status} != 0;
    subtest 'clusto itself' => sub {
        status(POST => '/entity/pool', name => 'realpool');
        status(POST => '/entity/basicserver', name => 'realserver');
        status(POST => '/resourcemanager/ipmanager', name => 'realip', baseip => '10.250.0.0', netmask => '255.255.0.0');
        Muster::Process::spew("$postgres->{dir}/real.py", $CLUSTO);
        my $url = 'postgresql+psycopg2://postgres@/inventory?host=' . $postgres->socket_dir;
        my $end = time + $SECONDS;
        my ($real, @ours) = parallel(4, sub {
            my ($i) = @_;
            return run([ $python2, "$postgres->{dir}/real.py", $url, $i, $SECONDS ], timeout => $SECONDS + 120)->{out} if $i == 0;
            my ($n, %count) = (0);
            while (time < $end) {
                my $name = "ours-$i-" . $n++;
                $count{ status(POST => '/entity/basicserver', name => $name) }++;
                $count{ status(POST => '/entity/pool/realpool', action => 'insert', device => $name) }++;
                $count{ status(POST => '/resourcemanager/ipmanager/realip', object => $name) }++;
                $count{ status(PUT => '/attribute/realserver/owner', value => 'muster') }++;
                $count{ status(DELETE => "/entity/basicserver/$name") }++ if $n % 3 == 0;
            }
            return \%count;
        }, timeout => $SECONDS + 180);
        my ($done) = $real =~ /^done (\d+)/m;
        diag "clusto did $done operations; muster: ", join '; ', map { my $c = $_; join ', ', map { "$c->{$_} x $_" } sort keys %$c } @ours;
        cmp_ok($done // 0, '>', 10, 'clusto does its work');
        is_deeply([ $real =~ /^failed (.*)/mg ], [], 'and none of it fails');
        is_deeply([ grep { !/^(?:20[0-4]|503)$/ } map { keys %$_ } @ours ], [], 'nor does ours');
        my $ids = "entity_id in (select entity_id from entities where name ~ '^(real|ours)-')";
        is_deeply([ $postgres->psql(sprintf $SECOND, $ids, "entity_id in (select entity_id from entities where name = 'realpool')") ], [], 'muster gave nothing that was taken');
        is($postgres->psql($LASTS), 0, 'one _lastip');
        is($postgres->psql($COUNTERS), 0, 'one counter of each');
    };
}

subtest 'what an older muster left' => sub {
    $postgres->psql("set session_replication_role = replica; insert into entity_attrs (entity_id, key, datatype, int_value, version)
        select entity_id, '_lastip', 'int', n, 1 from entities, generate_series(7, 8) n where name = 'ip9002'");
    is_deeply([ check_db() ], ['/ipmanager/ip9002 has 3 live rows _lastip: Python clusto can\'t allocate from it (muster --init-db keeps the newest)'], 'two _lastip are reported');
    like($server->init_db->{out}, qr/^removed 2 superfluous _lastip/m, 'and mended');
    is($postgres->psql("select int_value from entity_attrs a join entities using (entity_id) where name = 'ip9002' and key = '_lastip'"), 8, 'the newest stays');
    is($server->init_db->{out}, "nothing to do\n", 'once');
};

subtest 'the extensions go' => sub {
    $server->stop;
    my $tables = "select md5(string_agg(t::text, ',' order by t::text)) from (select entity_id, name, version, deleted_at_version from entities union all select attr_id, key, version, deleted_at_version from entity_attrs) t";
    my $before = $postgres->psql($tables);
    my $done   = $server->run_program(['--drop-extensions']);
    is($done->{status}, 0, 'dropped') or diag $done->{err};
    like($done->{out}, qr/^dropped $_$/m, $_) for 'trigger "MUSTER_keep_erased" on entities', 'table muster_preferences', 'column muster_xid of clustoversioning';
    is($postgres->psql("select count(*) from (select relname from pg_class union all select proname from pg_proc union all select tgname from pg_trigger union all select attname from pg_attribute where not attisdropped) x where relname ilike 'muster%'"), 0, 'nothing of ours is left');
    is($postgres->psql($tables), $before, 'and all of clusto\'s');
    is($server->run_program(['--drop-extensions'])->{out}, "nothing to do\n", 'once');
    $server->init_db;
    is_deeply([ check_db() ], [], '--init-db brings them back');
};

done_testing;
$python->end;
$watch->end;
$front->stop;
