#!/usr/bin/perl
# 91-as-of-reads.t: Clusto-As-Of: every answer that was given at a version is given as of that version later.
# That also holds on a standby. MUSTER_WRITES (120) and MUSTER_SEED set the length of the random history and
# its dice.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Json qw(pick);
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Muster::Versions qw(must);
use Muster::World;

my $WRITES = $ENV{MUSTER_WRITES} // 120;
my $SEED   = $ENV{MUSTER_SEED} // int(rand 2**31);
diag "seed $SEED, $WRITES writes";
srand $SEED;

my $world  = Muster::World->new;
my $pg     = $world->postgres;
my $client = $world->front->client;

# The same inventory on a standby that follows, and a muster that reads there.
my $standby = Muster::Postgres->standby_of($pg);
my $beside  = Muster::Server->new(conninfo => $standby->conninfo, schema => 0);
my $front   = Muster::Front->new(server => $beside);

sub catch_up {
    my $lsn = $pg->psql('select pg_current_wal_insert_lsn()');
    poll(60, sub { $standby->psql("select pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") eq 't' }) or die 'the standby stays behind';
    return;
}

sub sql { return $pg->psql($_[0]) }

must($client->post('/entity/basicserver', form => [ map { (name => "s$_") } 1 .. 12 ]));
must($client->post('/entity/pool', form => [ map { (name => "p$_") } 1 .. 4 ]));
must($client->post('/entity/basicrack', form => { name => 'rack' }));
must($client->post('/resourcemanager/ipmanager', form => [ name => 'net', baseip => '10.9.0.0', netmask => '24' ]));

sub a_server { return 's' . int(1 + rand 12) }
sub a_pool   { return 'p' . int(1 + rand 4) }

# --- writes: by the API, past it by psql, and in the order in which Python clusto writes

my %API = (
    set     => sub { $_[0]->put('/attribute/' . a_server() . '/' . pick(qw(k l)), form => { value => pick(qw(a b c), int rand 5) }) },
    add     => sub { $_[0]->post('/attribute/' . a_server(), form => [ key => pick(qw(k l)), subkey => pick(qw(x y)), value => int rand 5 ]) },
    refer   => sub { $_[0]->put('/attribute/' . a_server() . '/ref', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/' . a_server() . '"}') },
    drop    => sub { $_[0]->delete('/attribute/' . a_server() . '/' . pick(qw(k l))) },
    create  => sub { $_[0]->post('/entity/' . pick(qw(basicserver basicvirtualserver)), form => { name => a_server() }) },
    delete  => sub { $_[0]->delete('/entity/basicserver/' . a_server()) },
    insert  => sub { $_[0]->post('/entity/pool/' . a_pool(), form => { action => 'insert', device => pick(a_server(), a_pool()) }) },
    remove  => sub { $_[0]->post('/entity/pool/' . a_pool(), form => { action => 'remove', device => pick(a_server(), a_pool()) }) },
    rack    => sub { $_[0]->post('/entity/basicrack/rack', form => { action => 'move', device => a_server(), rackU => 1 + int rand 9 }) },
    unrack  => sub { $_[0]->post('/entity/basicrack/rack', form => { action => 'remove', device => a_server() }) },
    ip      => sub { $_[0]->post('/resourcemanager/ipmanager/net', form => { object => a_server() }) },
    free    => sub { $_[0]->delete('/resourcemanager/ipmanager/net', form => { object => a_server() }) },
);

my $LIVE = 'deleted_at_version is null';
sub id { my ($name) = @_; return "(select entity_id from entities where name = '$name' and $LIVE)" }
my %SQL = (
    value  => sub { 'update entity_attrs set ' . pick("int_value = 7, datatype = 'int', string_value = null", "string_value = 'z', datatype = 'string', int_value = null")
            . " where $LIVE and key = '" . pick(qw(k l)) . "' and entity_id = " . id(a_server()) },
    erase  => sub { "delete from entity_attrs where $LIVE and key = '" . pick(qw(k l ref)) . "' and entity_id = " . id(a_server()) },
    object => sub { my $s = a_server(); "delete from entity_attrs where @{[ id($s) ]} in (entity_id, relation_id); delete from counters where entity_id = @{[ id($s) ]}; delete from entities where entity_id = " . id($s) },
    rename => sub { my ($s, $t) = (a_server(), pick(a_server(), "r" . int rand 3)); "update entities set name = '$t' where name = '$s' and $LIVE and @{[ id($t) ]} is null" },
    back   => sub { my ($s, $t) = (a_server(), "r" . int rand 3); "update entities set name = '$s' where name = '$t' and $LIVE and @{[ id($s) ]} is null" },
    driver => sub { "update entities set driver = '" . pick(qw(basicserver basicvirtualserver)) . "' where $LIVE and name = '" . a_server() . "'" },
    number => sub { "insert into entity_attrs(entity_id, key, datatype, int_value, version) select entity_id, 'k', 'int', 3, 1 from entities where $LIVE and name = '" . a_server() . "'" },
    revive => sub { "update entity_attrs set deleted_at_version = null where attr_id = (select attr_id from entity_attrs a join entities e using (entity_id) where e.$LIVE and a.key = 'k' and a.deleted_at_version is not null limit 1)" },
    # with versioning: the number first, then the rows, ended and made under it
    python => sub { my $s = a_server(); "insert into clustoversioning(timestamp, \"user\", description) values (localtimestamp, 'python', 'set');
        update entity_attrs set deleted_at_version = (select max(version) from clustoversioning) where $LIVE and key = 'l' and entity_id = @{[ id($s) ]};
        insert into entity_attrs(entity_id, key, datatype, string_value, version) select entity_id, 'l', 'string', 'py', (select max(version) from clustoversioning) from entities where $LIVE and name = '$s'" },
);

# A busy machine may have too many writes waiting: the client is told to come again, and does.
sub write_by_api {
    my ($c)  = @_;
    my $what = pick(sort keys %API);
    my $answer;
    poll(60, sub { $answer = $API{$what}->($c); $answer->{status} != 503 });
    $answer->{status} < 500 or die "$what: $answer->{status} $answer->{body}";
    return $what;
}
sub write_by_sql { my $what = pick(sort keys %SQL); sql("begin; @{[ $SQL{$what}->() ]}; commit"); return $what }

# --- questions

my @QUESTIONS = (
    (map { my $n = $_; map { [ $_, 'expanded' ] } "/by-name/$n", "/attribute/$n", "/attribute/$n/k", "/attribute/$n/l/x" } map({ "s$_" } 1 .. 12), map({ "r$_" } 0 .. 2)),
    (map { [ "/by-name/s$_", 'compact' ], [ "/entity/basicserver/s$_", 'expanded' ], [ "/entity/basicvirtualserver/s$_", 'compact' ], [ "/by-attr?key=ref&value=/basicserver/s$_", 'compact' ] } 1 .. 12),
    (map { my $p = "p$_"; map { [ "/from-pools?$_", 'compact' ] } "pool=$p", "pool=$p&children=0", "pool=$p&type=server", "pool=$p&pool=p1", "pool=$p&driver=basicserver" } 1 .. 4),
    (map { [ "/by-name/p$_", 'expanded' ], [ "/from-pools?pool=p$_", 'expanded' ] } 1 .. 4),
    (map { my $mode = $_; map { [ $_, $mode ] } '/entity/', '/entity/basicserver', '/entity/basicvirtualserver', '/entity/?type=server', '/entity/?type=server&type=pool', '/entity/?driver=basicserver&driver=pool',
        '/entity/?driver=basicserver&driver=pool&type=server', '/entity/?name=s1&name=s5&name=r1&name=p1', '/entity/?name=s1&name=s2&driver=basicserver', '/by-names?name=s1&name=r0&name=s2',
        (map { "/query?q=$_" =~ s/ /%20/gr } 'all', 'name = s1 or pool = p1', 'within p1 and is device', 'directly within p2', 'has s1', 'refers s1', 'attr k = 3 or attr l ^ p', 'type = server and not attr k exists',
            'driver = basicvirtualserver', 'name ~ r', 'attr ref ~ /s1', 'pool exists', 'ip exists', 'ip in 10.9.0.0/30'),
        '/by-attr?key=k', '/by-attr?key=k&value=3', '/by-attr?key=l&value=py', '/by-attr?key=k&subkey=x', '/by-attr?key=ip', '/resourcemanager/', '/resourcemanager/ipmanager' } qw(compact expanded)),
    [ '/resourcemanager/ipmanager/net', 'expanded' ], map({ [ "/targets?$_", 'compact' ] } '', 'pool=p1', 'address=name&q=within%20p2', 'address=k'), map({ [ "/export$_", 'compact' ] } '', '', '?driver=pool&driver=basicserver', '?q=within%20p1'),
    (map { [ "/entity/pool/p$_/contents", 'compact' ], [ "/entity/pool/p$_/contents", 'expanded' ], [ "/by-name/p$_", 'expanded', 'Clusto-Contents' => 'none' ], [ "/by-name/s$_", 'expanded', 'Clusto-Contents' => 'none' ] } 1 .. 4),
    (map { [ "/entity/basicserver/s$_/ports", 'expanded' ] } 1 .. 4),
    (map { [ "/attribute/s$_", 'expanded', 'Clusto-Inherit' => 'true' ], [ "/attribute/p$_/k", 'expanded', 'Clusto-Inherit' => 'true' ] } 1 .. 4),
    (map { [ "/entity/entity/s$_/parents", 'compact' ], [ "/entity/entity/s$_/parents?ancestors=1", 'compact' ], [ "/entity/entity/s$_/references", 'compact' ], [ "/entity/entity/s$_/references?key=_contains", 'compact' ],
        [ "/by-name/s$_", 'expanded', 'Clusto-Units' => 'true' ], [ "/by-address/10.9.0.$_", 'compact' ], [ "/attribute/s$_/ip?resource=10.9.0.$_", 'compact' ] } 1 .. 8),
    [ '/entity/basicrack/rack', 'expanded', 'Clusto-Units' => 'true' ], [ '/entity/ipmanager/net/references', 'compact' ], [ '/entity/pool/p2/parents?ancestors=1&type=pool', 'compact' ],
    (map { my ($page, $size) = @$_; map { [ $_, 'compact', 'Clusto-Page' => $page, 'Clusto-Per-Page' => $size ] } '/entity/', '/entity/basicserver', '/by-attr?key=k', '/from-pools?pool=p1' } [ 1, 3 ], [ 2, 3 ], [ 2, 50 ]),
    (map { my ($after, $size) = @$_; map { [ $_, 'compact', 'Clusto-After' => $after, 'Clusto-Per-Page' => $size ] } '/entity/', '/entity/basicserver', '/entity/?type=server', '/by-attr?key=k' } [ 0, 3 ], [ 40, 4 ]),
);

# Of an export without when it was taken, and what a manager notes for itself, which has no history.
sub ask {
    my ($c, $question, @more) = @_;
    my ($path, $mode, @headers) = @$question;
    my $answer = $c->get($path, headers => { 'Clusto-Mode' => $mode, @headers, @more });
    my %h = %{ $answer->{headers} };
    return ($answer, join "\n", $answer->{status}, (map { "$_: " . ($h{$_} // '') } qw(clusto-page clusto-pages clusto-per-page clusto-next link warnings)), $answer->{body} =~ s/\A(\{"muster": "export", "version": \d+).*/$1/r =~ s/("key": "_lastip".*?"value": )-?\d+/$1/gr);
}

# --- one after the other: what was answered at a version, and the same later

my (@asked, %wrote);
for my $n (1 .. $WRITES) {
    $wrote{ rand() < 0.5 ? write_by_api($client) : write_by_sql() }++;
    my $version = sql('select max(version) from clustoversioning');
    for (1 .. 25) {
        my $question = pick(@QUESTIONS);
        my (undef, $text) = ask($client, $question);
        push @asked, [ $version, $question, $text ];
    }
}
diag join ', ', map { "$wrote{$_} x $_" } sort keys %wrote;

# The first lines in which they differ.
sub _differs {
    my @texts = map { [ split /\n/ ] } @_;
    my ($line) = grep { ($texts[0][$_] // '') ne ($texts[1][$_] // '') } 0 .. $#{ $texts[0] } + 1;
    my $from = ($line // 0) > 12 ? $line - 12 : 0;
    return join "\n", map { my $t = $_; join "\n", 'lines from ' . $from . ':', grep { defined } @{$t}[ $from .. $from + 20 ] } @texts;
}

sub compare {
    my ($c, @list) = @_;
    my @wrong;
    for (@list) {
        my ($version, $question, $text) = @$_;
        my ($answer, $again) = ask($c, $question, 'Clusto-As-Of' => $version);
        push @wrong, "as of $version @$question:\n" . _differs($again, $text) if $again ne $text || ($answer->{headers}{'clusto-as-of'} // '') ne $version
            || ($answer->{headers}{'clusto-as-of-exact'} // '') ne 'true';
    }
    return @wrong;
}
my @wrong = compare($client, @asked);
is scalar(@wrong), 0, 'each of ' . @asked . ' answers is given as of its version' or diag @wrong > 3 ? @wrong[ 0 .. 2 ] : @wrong;
@wrong = compare($client, @asked[ map { int rand @asked } 1 .. 300 ]);
is scalar(@wrong), 0, 'and again, from the cache' or diag @wrong > 3 ? @wrong[ 0 .. 2 ] : @wrong;
catch_up();
@wrong = compare($front->client, @asked);
is scalar(@wrong), 0, 'and on the standby' or diag @wrong > 3 ? @wrong[ 0 .. 2 ] : @wrong;

# --- 16 clients at once, in every way of writing: what "now" said on either server stays so on both

# What meets another's write is refused by the database, as whoever writes past the service has to bear.
sub try_sql { my $what = pick(sort keys %SQL); return $pg->psql("begin; @{[ $SQL{$what}->() ]}; commit", fails => 1)->{status} == 0 }

my $EACH = int($WRITES / 4) + 1;
my @seen = parallel(20, sub {
    my ($n) = @_;
    srand $SEED + $n;
    my $c = $n % 2 ? $world->front->client : $front->client;
    my @mine;
    my $written = 0;
    if ($n >= 4) {
        for (1 .. $EACH) { $written += rand() < 0.7 ? write_by_api($world->front->client) ne '' : try_sql() }
        return [$written];
    }
    for (1 .. 4 * $EACH) {
        my $question = pick(@QUESTIONS);
        my ($answer, $text) = ask($c, $question, 'Clusto-As-Of' => 'now');
        push @mine, [ $answer->{headers}{'clusto-as-of'} // 'none', $question, $text ];
    }
    return [ $written, @mine ];
}, timeout => 300);
my $written = 0;
my @all;
for (@seen) {
    die explain $_ if ref ne 'ARRAY';
    my ($count, @mine) = @$_;
    $written += $count;
    push @all, @mine;
}
cmp_ok $written, '>', 8 * $EACH, "$written writes by 16 clients";
catch_up();
for ([ 'on the primary', $client ], [ 'on the standby', $front->client ]) {
    my ($where, $c) = @$_;
    @wrong = compare($c, @all);
    is scalar(@wrong), 0, 'each of ' . @all . " answers of \"now\" is given as of its version $where" or diag @wrong > 3 ? @wrong[ 0 .. 2 ] : @wrong;
}

# --- at least with a version, on a standby

{
    my $min = sub { $front->client->get($_[1] // '/by-name/late', headers => { 'Clusto-Min-Version' => $_[0] }) };
    my $tells = sub { my ($got) = @_; return join ' ', $got->{status}, $got->{headers}{'retry-after'} // '-', $got->{status} == 200 ? () : $got->{json} };
    must($client->post("/entity/pool", form => { name => "late" }));
    catch_up();
    $standby->psql('select pg_wal_replay_pause()');
    my $new = must($client->put('/attribute/late/colour', form => { value => 'yes' }));
    unlike $front->client->get('/by-name/late')->{body}, qr/colour/, 'the standby is behind';
    like $min->($new - 1)->{body}, qr/"late"/, 'it has the version before';
    is $tells->($min->($new, $_)), "503 1 Version $new is not there yet. Please try again.", "$_ with this one is refused"
        for '/by-name/late', '/entity/pool', '/attribute/late', "/history?object=late", '/query?q=name=late';
    $standby->psql('select pg_wal_replay_resume()');
    ok poll(60, sub { $min->($new)->{status} == 200 }), 'until it is there';
    like $min->($new)->{body}, qr/colour/, 'and is shown';
    like $client->get('/by-name/late', headers => { 'Clusto-Min-Version' => $new })->{body}, qr/colour/, 'the primary has it at once';
    is $tells->($client->put('/attribute/late/colour', headers => { 'Clusto-Min-Version' => $new }, form => { value => 'no' })),
        '400 - Clusto-Min-Version is for GET: a write is done by the primary.', 'not for writes';
    is $tells->($min->($_)), "400 - Clusto-Min-Version must be a version, a number from 1 to 2147483647, not '$_'.", "not $_" for qw(0 -1 2147483648 now);
    is $tells->($front->client->get('/preferences/c', headers => { 'Clusto-Min-Version' => 1, 'X-User-Id' => 'ann' })),
        '400 - Clusto-Min-Version is for the inventory, which has versions.', 'not for preferences';
}

$_->stop for $front, $beside, $standby;

# --- the header

sub status_of { my ($value, %more) = @_; my $answer = $client->get('/by-name/p1', headers => { 'Clusto-As-Of' => $value, %more }); return $answer }

# One after the other: the times of what many wrote at once need not have the order of their numbers.
must($client->put('/attribute/p1/apart', form => { value => $_ })) for 1 .. 3;
my $latest = sql('select max(version) from clustoversioning');
my $answer = status_of($latest - 1);
is $answer->{headers}{'cache-control'}, 'private, max-age=86400', 'an answer of the past may be kept';
is $client->get($_->[1], headers => { 'Clusto-As-Of' => $latest - 1 })->{headers}{'cache-control'}, $_->[2], "... $_->[0]"
    for [ 'that there is none, too', '/by-name/none', 'private, max-age=86400' ], [ 'but not what the configuration refuses', '/entity/nodriver', 'private, no-cache' ];
{
    # Without being asked again, so each header that makes another answer has to be named.
    my %varies = map { $_ => 1 } split /, /, $answer->{headers}{vary};
    ok $varies{$_}, "... for this $_" for 'Clusto-As-Of', map { "Clusto-$_" } qw(Minify Mode Page Per-Page After Contents Units Inherit);
    like $client->get('/query', query => { q => 'all' }, headers => { 'Clusto-As-Of' => $latest - 1 })->{headers}{vary},
        qr/^Accept, .*Clusto-After.*Clusto-As-Of$/, 'a question for this Accept, too';
}
like $answer->{headers}{'clusto-as-of-time'}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'the time of its version';
like $answer->{headers}{etag}, qr/^"v@{[ $latest - 1 ]}-[0-9a-f]{16}"$/, 'its tag';
is status_of($latest - 1, 'If-None-Match' => $answer->{headers}{etag})->{status}, 304, 'which the client has';
is status_of($latest - 1, 'If-None-Match' => '*')->{status}, 304, '... as any';
is status_of($latest, 'If-None-Match' => $answer->{headers}{etag})->{status}, 200, 'another version is another answer';
my $time = $answer->{headers}{'clusto-as-of-time'};
my ($before, $after) = map { scalar sql("select to_char(muster_at + interval '$_ us', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') from clustoversioning where version = $latest - 1") } -1, 0;
is status_of("${after}Z")->{headers}{'clusto-as-of'}, $latest - 1, 'as of the time of a version';
is status_of("${before}Z")->{headers}{'clusto-as-of'}, $latest - 2, 'and just before';
is status_of($after =~ s/T(\d\d)/sprintf 'T%02d', ($1 + 2) % 24/er . '+02:00')->{headers}{'clusto-as-of'}, $latest - 1, 'in another zone'
    unless $after =~ /T2[23]/;
is status_of('now')->{headers}{'clusto-as-of'}, $latest, 'now is the latest';
is status_of('now')->{headers}{'cache-control'}, 'private, no-cache', 'which is not kept';
is status_of($time)->{headers}{'clusto-as-of'}, $latest - 1, 'as of that time there is the version';
is status_of('2001-01-01')->{status}, 400, 'a date without a time';
is status_of('2001-01-01T00:00:00Z')->{status}, 404, 'before the first version there was nothing';

my $future = $latest + 1;
for (
    [ $future, 400, "Version $future is not there yet; the latest is $latest." ],
    [ '2999-01-01T00:00:00Z', 400, "The time '2999-01-01T00:00:00Z' is in the future." ],
    [ 'yesterday', 400, qq{Clusto-As-Of must be a version, a time as 2026-11-25T14:00:00Z, or "now", not 'yesterday'} ],
    [ '-1', 400, qq{Clusto-As-Of must be a version, a time as 2026-11-25T14:00:00Z, or "now", not '-1'} ],
) {
    my ($value, $status, $text) = @$_;
    my $answer = status_of($value);
    is_deeply [ $answer->{status}, $answer->{json} ], [ $status, $text ], "$value is refused";
}
for my $method (qw(POST PUT DELETE)) {
    my $refused = $client->request($method, '/attribute/p1/k', form => { key => 'k', value => 1 }, headers => { 'Clusto-As-Of' => 'now' });
    is_deeply [ $refused->{status}, $refused->{json} ], [ 400, "Clusto-As-Of is for GET: the past can't be changed." ], "$method is refused";
}
is $client->get('/by-name/p1', headers => [ 'Clusto-As-Of' => 1, 'Clusto-As-Of' => 2 ])->{status}, 400, 'two of them are refused';
is_deeply [ @{ $client->get($_, headers => { 'Clusto-As-Of' => 1, 'X-User-Id' => 'u' }) }{qw(status json)} ],
    [ 400, "Clusto-As-Of can't be obeyed here: it is for reads of objects, attributes, managers and lists." ], "nor is it for $_"
    for '/driverlist', '/history', '/diff?from=1&to=2', '/changes', '/search?q=p1';
is_deeply [ @{ $client->get($_, headers => { 'Clusto-As-Of' => 1, 'X-User-Id' => 'u' }) }{qw(status json)} ],
    [ 400, 'Clusto-As-Of is for the inventory, which has versions.' ], "nor for $_"
    for '/preferences/', '/preferences/c', '/preferences/?changes';
is $client->get($_, headers => { 'Clusto-As-Of' => 1 })->{status}, 200, "it means nothing for $_" for '/__version__', '/__doc__', '/preferences/__doc__', '/typelist';


# --- a write under way

my $end = $pg->hold("insert into clustoversioning(description) values ('slow')");
my $version = must($client->put('/attribute/p1/held', form => { value => 1 }));
$answer = status_of($version);
is_deeply [ $answer->{status}, $answer->{json}, $answer->{headers}{'clusto-settled'}, $answer->{headers}{'retry-after'} ],
    [ 503, "Version $version is not settled: an earlier write is still under way.", $latest, 1 ], 'a version that is not settled';
is status_of($latest)->{status}, 200, 'the one before is';
is status_of('now')->{headers}{'clusto-as-of'}, $latest, 'now is the latest settled one';
$end->();
is status_of($version)->{status}, 200, 'and so is it, after the end of the other';
$end = $pg->hold('create table elsewhere(x integer); insert into elsewhere values (1)');
$version = must($client->put('/attribute/p1/held', form => { value => 2 }));
is status_of($version)->{status}, 200, 'a transaction that writes elsewhere is not waited for';
is status_of('now')->{headers}{'clusto-as-of'}, $version, 'nor by now';
my $writer = $pg->hold("insert into clustoversioning(description) values ('slow')");
is status_of($version)->{status}, 200, 'what was settled once is known to be, whoever writes now';
$writer->();
$end->();

# --- the floor

# Of several reads of one version while nothing is committed the later ones are not checked as the first ones
# are: what happens then has to be seen all the same.
my $one    = Muster::Server->new(postgres => $pg, schema => 0, conf => { workers => 1, cache_size => 0 });
my $beyond = Muster::Front->new(server => $one);
my $repeat = sub {
    my ($times) = @_;
    return join ' ', map { join '/', $_->{status}, $_->{headers}{'clusto-as-of-exact'} // '' } map { $beyond->client->get('/entity/pool/p1', headers => { 'Clusto-As-Of' => $version }) } 1 .. $times;
};
is $repeat->(8), join(' ', ('200/true') x 8), 'equal reads';
my $renamed = must($client->post('/entity/pool/p1', form => { action => 'rename', to => 'other' }));
is $repeat->(1), '200/true', 'an object that was renamed after five of them is found by the name that it had';
must($client->post('/entity/pool/other', form => { action => 'rename', to => 'p1' }));
is $repeat->(8), join(' ', ('200/true') x 8), '... and is still';
sql('alter table entities disable trigger muster_keep_name');
is $repeat->(2), '200/false 200/false', 'a trigger that was switched off after five of them is noticed at once';
sql('alter table entities enable always trigger muster_keep_name; update muster_floor set watch = muster_keep_watch()');
is $repeat->(8), join(' ', ('200/true') x 8), 'equal reads again';
sql('update muster_floor set oldest = oldest + 100000');
is $repeat->(1), '410/', 'and so is a floor that was raised';
sql('update muster_floor set oldest = oldest - 100000');
$_->stop for $beyond, $one;

sql('alter table entities disable trigger muster_keep_name; alter table entities enable always trigger muster_keep_name');
$answer = status_of($version, 'Clusto-Minify' => 'true');
is_deeply [ $answer->{status}, $answer->{headers}{'clusto-as-of-exact'} ], [ 200, 'false' ], 'a trigger was off: what was written meanwhile may be missing';
sql('update muster_floor set watch = muster_keep_watch()');

sql("update muster_floor set exact = $version");
$answer = status_of($version - 2, 'Clusto-Minify' => 'true');
is_deeply [ $answer->{status}, @{ $answer->{headers} }{qw(clusto-as-of-exact cache-control)}, $answer->{headers}{etag} ],
    [ 200, 'false', 'private, no-cache', undef ], 'what may be incomplete says so';
sql("update muster_floor set oldest = $version");
$answer = status_of($version - 3, 'Clusto-Minify' => 'true');
is_deeply [ $answer->{status}, $answer->{json}, $answer->{headers}{'clusto-oldest'} ],
    [ 410, 'Version ' . ($version - 3) . " is not kept any more; the oldest is $version.", $version ], 'what is not kept';

# --- without a history

my $without = Muster::Server->new(postgres => $pg, conninfo => $pg->conninfo($pg->create_database('without')), conf => { versioning => JSON::PP::false });
my $door    = Muster::Front->new(server => $without);
$answer = $door->client->get('/by-name/clustometa', headers => { 'Clusto-As-Of' => 'now' });
is_deeply [ $answer->{status}, $answer->{json} ], [ 409, 'This inventory keeps no history.' ], 'without versions and triggers there is none';
$answer = $door->client->get('/by-name/clustometa', headers => { 'Clusto-Min-Version' => 1 });
is_deeply [ $answer->{status}, $answer->{json} ], [ 400, "Clusto-Min-Version can't be obeyed: versioning is off." ], 'nor a version to wait for';
$_->stop for $door, $without;

$world->stop;
done_testing;
