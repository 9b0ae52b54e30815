#!/usr/bin/perl
# 66-list-conditions.t: entity tags of lists, and If-None-Match with them. Two lists of the same request that differ
# never have the same tag, whoever has written in between and in whatever order; while nothing is written a list that is
# asked for again is 304.
# MUSTER_ROUNDS (120), MUSTER_SEED.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(parallel);
use Muster::Foreign;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run);
use Muster::Server;
use Muster::World;

my $ROUNDS = $ENV{MUSTER_ROUNDS} // 120;
my $SEED   = $ENV{MUSTER_SEED} // int rand 2**31;
srand $SEED;
diag "seed $SEED";

my $pg     = Muster::Postgres->new(settings => { max_prepared_transactions => 10 });
my $world  = Muster::World->new(data => 0, postgres => $pg, conf => { workers => 3, write_workers => 3, drivers => [ { name => 'box', type => 'box', parent => 'location' } ] }, front_options => { cors => 0 });
my $client = $world->client;

sub sql { return $pg->psql($_[0]) }

sub done { return $client->expect(@_) }

sub tag { my ($path, %header) = @_; return $client->get($path, headers => \%header)->{headers}{etag} }
sub with { my ($tag, %header) = @_; return (headers => { 'If-None-Match' => $tag, %header }) }

sub session { my $session = Muster::Foreign->new($pg); return sub { $session->ask($_[0]) } }

my $TAG = qr/^"[\w-]{20,195}-l"$/;

done('servers', 201, POST => '/entity/basicserver', form => [ map { (name => "web$_") } 1 .. 30 ]);
done('pools', 201, POST => '/entity/pool', form => [ map { (name => "p$_") } 1 .. 3 ]);
done('an attribute', 201, POST => "/attribute/web$_", form => { key => 'owner', value => 'ann' }) for 1 .. 3;
done('members', 200, POST => '/entity/pool/p1', form => [ action => 'insert', map { (device => "web$_") } 1 .. 20 ]);
done('members', 200, POST => '/entity/pool/p2', form => [ action => 'insert', map { (device => "web$_") } 10 .. 30 ]);
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'lan', baseip => '10.0.0.0', netmask => '24' ]);

my %EXPANDED = ('Clusto-Mode' => 'expanded');
my %PAGE     = ('Clusto-Page' => 2, 'Clusto-Per-Page' => 10);
my %AFTER    = ('Clusto-After' => 5, 'Clusto-Per-Page' => 10);
my @PATHS    = (
    '/entity/', '/entity/basicserver', '/entity/?name=web1&name=web2', '/entity/?clusto_types=server',
    '/entity/?clusto_drivers=pool&clusto_drivers=basicserver', '/by-attr?key=owner', '/by-attr?key=owner&value=ann',
    '/from-pools?pool=p1', '/from-pools?pool=p1&pool=p2', '/from-pools?pool=p1&pool=p2&pool=p2&children=false',
    '/query?q=name%20%5E%20web', '/query?q=within%20p1', '/query?q=name%20%5E%20web&fields=name,parents',
    '/resourcemanager/', '/resourcemanager/ipmanager', '/targets?address=name', '/targets?address=name&pool=p1',
    '/query?q=name%20%5E%20web&count_by=driver', '/query?q=all&count_by=type', '/query?q=name%20%3D%20nobody&count_by=driver',
);
my @FORMS = ({}, \%EXPANDED, \%PAGE, \%AFTER, { %EXPANDED, %PAGE }, { %EXPANDED, %AFTER }, { 'Clusto-Minify' => 'true' },
    { %EXPANDED, 'Clusto-Units' => 'true' });
my @ASKED = (
    (map { my $path = $_; map { [ $path, $_ ] } @FORMS } @PATHS),
    (map { [ '/by-names?name=web1&name=web2', $_ ] } {}, \%EXPANDED, { 'Clusto-Minify' => 'true' }),
    (map { [ '/query?q=name%20%5E%20web', { Accept => $_ } ] } 'text/csv', 'application/x-ndjson'),
);

sub label { my ($asked) = @_; return join ' ', $asked->[0], map { "$_: $asked->[1]{$_}" } sort keys %{ $asked->[1] } }

subtest 'every list has a tag, each request its own' => sub {
    my %seen;
    for my $asked (@ASKED) {
        my ($path, $header) = @$asked;
        my $answer = $client->get($path, headers => $header);
        my $tag    = $answer->{headers}{etag} // 'none';
        like($tag, $TAG, label($asked)) or next;
        ok(!$seen{$tag}++, 'no other request has it');
        like($answer->{headers}{vary}, qr/Clusto-Mode.*Clusto-After/, 'Vary');
        my $again = $client->get($path, with($tag, %$header));
        is_deeply([ @$again{qw(status body)}, @{ $again->{headers} }{qw(etag content-type)} ], [ 304, '', $tag, undef ], 'unchanged');
        is($again->{headers}{vary}, $answer->{headers}{vary} =~ s/^Accept-Encoding, //r, '... which varies alike');
        is($client->get($path, headers => $header)->{body}, $answer->{body}, 'the same list');
    }
    like($client->get($PATHS[10])->{headers}{vary}, qr/\bAccept\b/, 'a question varies by Accept');
};

subtest 'If-None-Match' => sub {
    for my $path ('/entity/basicserver', '/by-attr?key=owner', '/from-pools?pool=p1', '/by-names?name=web1', '/query?q=within%20p1', '/query?q=all&count_by=driver', '/resourcemanager/') {
        my $etag = tag($path);
        done("$path: unchanged", 304, GET => $path, with($etag));
        my $served = $client->metric('cache_served_total');
        done('unchanged', 304, GET => $path, with($etag));
        is($client->metric('cache_served_total') - $served, 1, 'out of the cache, after the check that all share');
        done('weak, as a compressing front server has it', 304, GET => $path, with("W/$etag"));
        done('with its coding', 304, GET => $path, with($etag =~ s/"$/-gzip"/r));
        done('one of several', 304, GET => $path, with(qq("x", $etag)));
        done('*', 304, GET => $path, with('*'));
        done('HEAD', 304, HEAD => $path, with($etag));
        is($client->request(HEAD => $path)->{headers}{etag}, $etag, 'HEAD tells the same');
        done('another one', 200, GET => $path, with('"x"'));
        done('another form', 200, GET => $path, with($etag, 'Clusto-Minify' => 'true'));
        done('of another list', 200, GET => '/entity/', with($etag));
        done('that can not be read', 400, GET => $path, with('x'));
        done('twice', 400, GET => $path, headers => [ 'If-None-Match' => '"x"', 'If-None-Match' => $etag ]);
        done('If-Match', 400, GET => $path, headers => { 'If-Match' => $etag });
        for my $wrong ($etag =~ s/.-l"$/-l"/r, $etag =~ s/-l"$/AAAA-l"/r, $etag =~ s/-l"$/_____________w-l"/r, $etag =~ s/^(".{21}).*/$1-l"/r, '"-l"', '"!!-l"') {
            done("not quite: $wrong", 200, GET => $path, with($wrong));
        }
    }
    is($client->get('/by-names?name=web1&name=nobody')->{headers}{etag}, undef, 'a part of a list has no tag');
    is($client->get('/by-names?name=nobody')->{headers}{etag}, undef, 'nor has what is not there');
    is($client->get('/from-pools?pool=nobody')->{headers}{etag}, undef, '... of pools');
    is($client->get('/entity/pool/p1/contents')->{headers}{etag}, undef, 'the contents of an object have none');
    done('... and If-None-Match is of no use', 200, GET => '/entity/pool/p1/contents', with('"x"'));
    like(tag('/entity/', 'Clusto-As-Of' => 'now'), qr/^"v\d+-/, 'the past has tags of its own');
    for my $past ({}, { 'Clusto-As-Of' => 'now' }) {
        my @asked = map { { q => "name = web$_" } } 1, 2;
        my @etag  = map { $client->request(GET => '/query', form => $_, headers => $past)->{headers}{etag} } @asked;
        isnt($etag[0], $etag[1], 'questions in the body of a GET have their own');
        is($client->request(GET => '/query', form => $asked[$_], with($etag[0], %$past))->{status}, 304 - 104 * $_, 'which is of that question') for 0, 1;
    }
    like($client->get('/entity/', headers => { 'If-Match' => '"x"' })->{json}, qr/^If-Match can't be obeyed here: it is a condition of single objects/, 'what If-Match is for');
    done('a question in the body has none', 400, POST => '/query', form => { q => 'within p1' }, with('"x"'));
    is($client->post('/query', form => { q => 'within p1' })->{headers}{etag}, undef, 'no tag');
};

# One write of each kind: what came before is not 304, and afterwards it is.
subtest 'after each kind of write' => sub {
    my $clusto = 'insert into entities (name, type, driver, version) values (%s, 1)';
    my @writes = (
        [ 'by the API', sub { $client->post('/entity/basicserver', form => { name => 'new1' }) } ],
        [ 'an attribute', sub { $client->post('/attribute/new1', form => { key => 'a', value => 'b' }) } ],
        [ 'changed', sub { $client->put('/attribute/new1/a', form => { value => 'c' }) } ],
        [ 'removed', sub { $client->delete('/attribute/new1/a') } ],
        [ 'a deletion', sub { $client->delete('/entity/basicserver/new1') } ],
        [ 'by psql', sub { sql(sprintf $clusto, "'new2', 'server', 'basicserver'") } ],
        [ 'renamed in place', sub { sql("update entities set name = 'new3' where name = 'new2'") } ],
        [ 'a value in place', sub { sql("update entity_attrs set string_value = 'bob' where key = 'owner'") } ],
        [ 'deleted for good', sub { sql("delete from entities where name = 'new3'") } ],
        [ 'by a replica', sub { sql("set session_replication_role = replica; update entity_attrs set string_value = 'eve' where key = 'owner'") } ],
        [ 'loaded', sub { sql("copy entities (name, type, driver, version) from stdin;\nnew4\tserver\tbasicserver\t1\n\\.\n") } ],
        [ 'without triggers', sub { sql("begin; alter table entity_attrs disable trigger muster_change_update; update entity_attrs set string_value = 'joe' where key = 'owner'; alter table entity_attrs enable always trigger muster_change_update; commit") } ],
        [ "... for a while", sub { sql("alter table entity_attrs disable trigger muster_change_update"); sql("update entity_attrs set string_value = 'sue' where key = 'owner'"); sql("alter table entity_attrs enable always trigger muster_change_update") } ],
        [ 'written anew', sub { sql("alter table entity_attrs alter string_value type text using upper(string_value)"); sql("alter table entity_attrs alter string_value type text using lower(string_value)") } ],
    );
    for my $write (@writes) {
        my ($what, $do) = @$write;
        my %before = map { $_ => tag($_) } '/entity/', '/by-attr?key=owner';
        my %body   = map { $_ => $client->get($_)->{body} } keys %before;
        $do->();
        for my $path (sort keys %before) {
            my $answer = done("$what: $path is read again", 200, GET => $path, with($before{$path}));
            isnt($answer->{headers}{etag}, $before{$path}, 'another tag');
            done('... which then is current', 304, GET => $path, with($answer->{headers}{etag})) for 1 .. 2;
        }
    }
    my $etag = tag('/entity/');
    sql('alter table entities disable trigger muster_change_insert');
    done('while a trigger is off', 200, GET => '/entity/', with($etag));
    my $off = tag('/entity/');
    sql(sprintf $clusto, "'new5', 'server', 'basicserver'");
    done('... and something was written', 200, GET => '/entity/', with($off));
    $off = tag('/entity/');
    sql('alter table entities enable always trigger muster_change_insert');
    done('what is of that time afterwards', 200, GET => '/entity/', with($off));
};

# The order in which transactions commit is not that of their numbers.
subtest 'transactions that are under way' => sub {
    my $path  = '/by-attr?key=owner';
    my $early = session();
    my $late  = session();
    $early->("begin; update entity_attrs set string_value = 'early' where key = 'owner' and string_value = 'sue'");
    $late->("begin; insert into entities (name, type, driver, version) values ('late', 'server', 'basicserver', 1)");
    my $before = tag('/entity/');
    done('two are under way', 304, GET => '/entity/', with($before)) for 1 .. 2;
    $late->('commit');
    my $after = done('the later one has committed', 200, GET => '/entity/', with($before))->{headers}{etag};
    done('... which is seen now', 304, GET => '/entity/', with($after));
    $early->('commit');
    done('the earlier one has', 200, GET => '/entity/', with($_)) for $before, $after;
    my $now = tag('/entity/');
    $early->("begin; delete from entities where name = 'late'; savepoint s; delete from entity_attrs where key = 'owner'; release s");
    done('a deletion is under way', 304, GET => '/entity/', with($now));
    $early->('rollback');
    done('... and rolled back', 304, GET => '/entity/', with($now));
    $early->("begin; insert into entities (name, type, driver, version) values ('prepared', 'server', 'basicserver', 1); prepare transaction 'x'");
    my $prepared = tag('/entity/');
    done('prepared', 304, GET => '/entity/', with($_)) for $now, $prepared;
    $early->("commit prepared 'x'");
    done('... and committed', 200, GET => '/entity/', with($_)) for $now, $prepared;
    $prepared = tag('/entity/');
    $early->("begin; insert into entities (name, type, driver, version) values ('never', 'server', 'basicserver', 1); prepare transaction 'y'");
    done('prepared', 304, GET => '/entity/', with($prepared));
    $early->("rollback prepared 'y'");
    done('... and rolled back', 304, GET => '/entity/', with($prepared));

    # Each that is under way makes the tag longer.
    my @open = map { session() } 1 .. 150;
    $_->('begin; select pg_current_xact_id()') for @open;
    $now = tag('/entity/');
    ok(!defined $now || length $now <= 202, 'a tag has no more than 200 characters');
    $_->('rollback') for @open;
};

subtest 'random writes by all who can write' => sub {
    my @lists   = ('/entity/', '/entity/basicserver', '/by-attr?key=owner', '/from-pools?pool=p1', '/query?q=name%20%5E%20web', '/by-names?name=web1&name=web2');
    my @headers = ({}, \%EXPANDED);
    my @python  = map { session() } 1 .. 3;
    my @open    = (0) x @python;
    my %body;      # by request and tag
    my $wrong = 0; # tags with two bodies
    my $lost  = 0; # that are not 304 though nothing was written
    my @write = (
        sub { $client->post('/attribute/web' . int(1 + rand 30), form => { key => 'owner', value => int rand 5 }) },
        sub { $client->delete('/attribute/web' . int(1 + rand 30) . '/owner') },
        sub { $client->post('/entity/pool/p1', form => { action => (qw(insert remove))[ rand 2 ], device => 'web' . int(21 + rand 10) }) },
        sub { $client->post('/entity/basicserver', form => { name => 'web' . int(100 + rand 20) }) },
        sub { $client->delete('/entity/basicserver/web' . int(100 + rand 20)) },
        sub { sql('update entity_attrs set string_value = ' . int(rand 5) . " where attr_id = (select min(attr_id) from entity_attrs where key = 'owner')") },
    );
    # As Python clusto: a number, then rows, and a commit at some time.
    my $python = sub {
        my $i = int rand @python;
        if ($open[$i]) { $python[$i]->(rand() < 0.3 ? 'rollback' : 'commit') }
        else {
            $python[$i]->(q(begin; insert into clustoversioning ("timestamp", "user", description) values (now(), 'python', 'x');)
                    . ' insert into entity_attrs (entity_id, key, datatype, string_value, version)'
                    . " select entity_id, 'owner', 'string', '" . int(rand 5) . "', currval('clustoversioning_version_seq')"
                    . " from entities where name = 'web" . int(1 + rand 30) . "' and deleted_at_version is null");
        }
        $open[$i] = !$open[$i];
    };
    for my $round (1 .. $ROUNDS) {
        rand() < 0.5 ? $python->() : $write[ rand @write ]->() if rand() < 0.8;
        my ($path, $header) = ($lists[ rand @lists ], $headers[ rand @headers ]);
        my $known = $body{"$path %$header"} //= {};
        my $sent  = (keys %$known)[ rand keys %$known ];
        my $fresh = $client->get($path, headers => $header);
        my $asked = $client->get($path, with($sent // '"none"', %$header));
        my $tag   = $fresh->{headers}{etag} // next;
        $wrong++ if exists $known->{$tag} && $known->{$tag} ne $fresh->{body};
        $known->{$tag} = $fresh->{body};
        $wrong++ if $asked->{status} == 304 && $known->{$sent} ne $fresh->{body};
        $lost++ if $client->get($path, with($tag, %$header))->{status} != 304;
    }
    $_->('rollback') for @python;
    is($wrong, 0, 'no tag stands for two lists');
    is($lost, 0, 'what was not written to is 304');
};

# Readers that go on while others write: what one tag stands for is one list, whoever has read it.
subtest 'readers and writers at once' => sub {
    my @paths = ('/query?q=name%20%5E%20web%20and%20attr%20n0%20exists', '/by-attr?key=n1');
    my @found = parallel(6, sub {
        my ($i)  = @_;
        my $mine = $world->front->client;
        my ($tag, $body, @seen) = ('"none"', '');
        for my $n (1 .. 60) {
            if ($i < 2) { $mine->post("/attribute/web$_", form => { key => "n$i", value => $n }) for 1 + $i; next }
            my $answer = $mine->get($paths[ $i % 2 ], with($tag, %EXPANDED));
            ($tag, $body) = ($answer->{headers}{etag} // '"none"', $answer->{body}) if $answer->{status} == 200;
            push @seen, [ $i % 2, $tag, $body ];
        }
        return \@seen;
    });
    my %now = map { $_ => $client->get($paths[$_], headers => \%EXPANDED)->{body} } 0, 1;
    my (%body, $two, $stale);
    for my $seen (map { ref $_ eq 'ARRAY' ? @$_ : () } @found) {
        my ($i, $tag, $body) = @$seen;
        next if $tag eq '"none"';
        $two++ if exists $body{$tag} && $body{$tag} ne $body;
        next if exists $body{$tag};
        $body{$tag} = $body;
        $stale++ if $client->get($paths[$i], with($tag, %EXPANDED))->{status} == 304 && $body ne $now{$i};
    }
    cmp_ok(keys %body, '>', 1, scalar(keys %body) . ' tags');
    is($two, undef, 'each of one list');
    is($stale, undef, 'and not current if it is another one now');
};

subtest 'the configuration' => sub {
    my $etag = tag('/entity/', %EXPANDED);
    my $past = tag('/entity/', %EXPANDED, 'Clusto-As-Of' => 'now');
    my $reload = sub {
        my ($type, $what) = @_;
        $world->server->write_conf(expanded_type => $type);
        $world->server->signal('HUP');
        ok(poll(30, sub { !!($client->get('/entity/', headers => \%EXPANDED)->{body} =~ /"type"/) eq !!$type }), $what);
        # The workers from before have ended by then, or end after their present request.
        ok(poll(30, sub { $world->server->workers(3) == 3 }), 'by all workers');
    };
    $reload->(JSON::PP::true, 'objects are shown with their type');
    done('another list', 200, GET => '/entity/', with($etag, %EXPANDED));
    done('... of the past', 200, GET => '/entity/', with($past, %EXPANDED, 'Clusto-As-Of' => 'now'));
    $reload->(JSON::PP::false, 'and without it');
    done('the same again', 304, GET => '/entity/', with($etag, %EXPANDED));
    done('... of the past', 304, GET => '/entity/', with($past, %EXPANDED, 'Clusto-As-Of' => 'now'));
    # What of an object is shown is also a matter of its driver.
    done('an object', 201, POST => '/entity/box', form => { name => 'box1' });
    my $box = $client->get('/by-name/box1');
    my $ips = sub {
        my ($have) = @_;
        $world->server->write_conf(drivers => [ { name => 'box', type => 'box', parent => 'location', ips => $have } ]);
        $world->server->signal('HUP');
        ok(poll(30, sub { !!exists $client->get('/by-name/box1')->{json}{ips} eq !!$have }), 'of a driver of the configuration');
        ok(poll(30, sub { $world->server->workers(3) == 3 }), 'by all workers');
    };
    $ips->(JSON::PP::true);
    done('... that now has addresses', 200, GET => '/by-name/box1', with($box->{headers}{etag}));
    $ips->(JSON::PP::false);
    done('... and not any more', 304, GET => '/by-name/box1', with($box->{headers}{etag}));
};

subtest 'another life of the database' => sub {
    my $etag = tag('/entity/');
    done('unchanged', 304, GET => '/entity/', with($etag));
    $pg->restart('immediate');
    poll(30, sub { $client->get('/entity/')->{status} == 200 });
    done('after a crash', 200, GET => '/entity/', with($etag));
    $etag = tag('/entity/');
    done('unchanged', 304, GET => '/entity/', with($etag));
};

# The numbers of transactions are the cluster's: those of a database that has taken the place of another are no other.
subtest 'another database by the same name' => sub {
    my $away = "select pg_terminate_backend(pid) from pg_stat_activity where datname in ('muster', 'copy') and pid <> pg_backend_pid()";
    my $etag = tag('/entity/');
    my $swap = sub {
        my ($from, $to) = @_;
        poll(30, sub { $pg->psql("$away; alter database $from rename to $to", database => 'postgres', fails => 1)->{status} == 0 });
    };
    poll(30, sub { $pg->psql("$away; create database copy template muster", database => 'postgres', fails => 1)->{status} == 0 });
    $pg->psql("insert into entities (name, type, driver, version) values ('copied', 'server', 'basicserver', 1)", database => 'copy');
    poll(30, sub { $client->get('/entity/')->{status} == 200 });
    done('a change of the copy', 304, GET => '/entity/', with(tag('/entity/')));
    $swap->(@$_) for [ 'muster', 'was' ], [ 'copy', 'muster' ];
    ok(poll(30, sub { $client->get('/entity/')->{body} =~ /copied/ }), 'the copy is read');
    done('of the original', 200, GET => '/entity/', with($etag));
    $etag = tag('/entity/');
    $swap->(@$_) for [ 'muster', 'copy' ], [ 'was', 'muster' ];
    ok(poll(30, sub { my $answer = $client->get('/entity/'); $answer->{status} == 200 && $answer->{body} !~ /copied/ }), 'the original is read');
    done('of the copy', 200, GET => '/entity/', with($etag));

    my $other = Muster::Postgres->new;
    my $dump  = run([ "$pg->{bin}/pg_dump", '-d', $pg->conninfo ]);
    $other->psql($dump->{out});
    my $there = Muster::World->new(data => 0, postgres => $other, front_options => { cors => 0 });
    $etag = tag('/entity/');
    my $answer = $there->client->get('/entity/', with($etag));
    is($answer->{status}, 200, 'restored into another cluster');
    is($answer->{body}, $client->get('/entity/')->{body}, 'the same list');
    isnt($answer->{headers}{etag}, $etag, 'with another tag');
    is($there->client->get('/entity/', with($answer->{headers}{etag}))->{status}, 304, '... which is current there');
};

# A standby does not know which transactions are under way.
subtest 'a standby' => sub {
    my $standby = Muster::Postgres->standby_of($pg);
    my $reader  = Muster::Server->new(postgres => $standby, schema => 0, conf => { workers => 2 });
    my $front   = Muster::Front->new(server => $reader, cors => 0);
    my $there   = $front->client;
    my $caught  = sub {
        my $position = sql('select pg_current_wal_insert_lsn()');
        sql('select pg_switch_wal()');
        return poll(60, sub { $standby->psql("select pg_last_wal_replay_lsn() >= '$position'") eq 't' });
    };
    my $get = sub { my ($etag) = @_; return $there->get('/entity/', defined $etag ? with($etag) : ()) };
    ok($caught->(), 'it has all');
    my $etag = tag('/entity/');
    is($get->($etag)->{status}, 200, 'a tag of the primary is none of it');
    my $own = $get->()->{headers}{etag};
    like($own, $TAG, 'it has its own');
    is($get->($own)->{status}, 304, 'unchanged') for 1 .. 2;
    my $early = session();
    my $late  = session();
    $early->("begin; insert into entities (name, type, driver, version) values ('early1', 'server', 'basicserver', 1)");
    $late->("begin; insert into entities (name, type, driver, version) values ('late1', 'server', 'basicserver', 1); commit");
    ok($caught->(), 'one is under way, a later one has committed');
    is($get->($own)->{status}, 200, 'which is a change');
    is($get->()->{headers}{etag}, undef, 'what is not known has no tag');
    $early->('commit');
    ok($caught->(), 'the earlier one has committed');
    ok(poll(60, sub { my $answer = $get->(); $answer->{body} =~ /early1/ && $answer->{headers}{etag} }), 'it has one again');
    is($get->($own)->{status}, 200, 'the one from before is out of date');
};

done_testing;
