#!/usr/bin/perl
# 98-changes.t: GET /changes: each committed change once and in order, whoever made it, through the
# front server.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(uri_encode);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp source_dir temp_dir which);
use Muster::Server;
use Muster::Waiting qw(begin_at read_until);

my $pg     = Muster::Postgres->new(settings => { max_prepared_transactions => 5 });
my $server = Muster::Server->new(postgres => $pg, conf => { workers => 2, feed_keep => 3600 });
my $front  = Muster::Front->new(server => $server);
my $client = $front->client;

sub sql { return $pg->psql($_[0]) }
sub get { my ($query, $c) = @_; return ($c // $client)->get("/changes?$query") }
sub now { return get('since=now')->{headers}{'clusto-next'} }

sub put {
    my ($path, $value) = @_;
    my $answer = $client->put("/attribute/$path", form => [ value => $value ]);
    is($answer->{status}, 200, "$path is set") or diag $answer->{body};
    return;
}

# All pages, as "change object" or what $show makes of an event.
sub follow {
    my ($cursor, $query, $show) = @_;
    $show //= sub { "$_[0]{change} " . ($_[0]{object} // $_[0]{id}) };
    my @seen;
    for (1 .. 1000) {
        my $answer = get("since=$cursor" . ($query // ''));
        die "$answer->{status} $answer->{body}" if $answer->{status} != 200;
        push @seen, map { $show->($_) } @{ $answer->{json} };
        $cursor = $answer->{headers}{'clusto-next'};
        return wantarray ? @seen : join ', ', @seen if $answer->{headers}{'clusto-more'} eq 'false';
    }
    die 'there is no end of it';
}

$client->post('/entity/basicserver', form => [ map { (name => $_) } qw(a b c d) ]);
$client->post('/entity/pool', form => [ map { (name => $_) } qw(p q) ]);

subtest 'cursors' => sub {
    is(get("since=now&$$_[0]")->{status}, $$_[1], "the first request, too, says what is wrong: $$_[0]") for [ 'q=(', 400 ], [ 'q=', 412 ], [ 'pool=nowhere', 404 ], [ 'pool=', 400 ], [ 'driver=basicsever', 412 ];
    is(get('since=now&q=all')->{status}, 200, '... and takes what is right');
    my $answer = get('since=now');
    is($answer->{status}, 200, 'where to begin');
    is_deeply($answer->{json}, [], 'without events');
    my $cursor = $answer->{headers}{'clusto-next'};
    like($cursor, qr/^\d+-[0-9a-f]{8}$/, 'a cursor');
    is($answer->{headers}{'clusto-more'}, 'false', 'there is no more');
    like($answer->{headers}{'clusto-made'}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'when');
    is($answer->{headers}{'cache-control'}, 'no-store', 'not to be kept');
    is(now(), $cursor, 'nothing is new: no other cursor');
    is(get("since=$cursor")->{headers}{'clusto-next'}, $cursor, 'nor behind it');
    for my $bad ('', 'since=', 'since=x', 'since=1', 'since=1-5', 'since=-1-00000000', "since=$cursor.", "since=$cursor.1.1", "since=${cursor}0",
        "since=$cursor&limit=0", "since=$cursor&limit=1001", "since=$cursor&attrs=maybe", "since=$cursor&pool=") {
        is(get($bad)->{status}, 400, "refused: $bad");
    }
    is(get("since=$cursor&pool=never")->{status}, 404, 'a pool that never was');
    my ($number) = $cursor =~ /^(\d+)/;
    for my $gone ("$number-00000000", '99999999-00000000', "$cursor.99999999.5") {
        my $lost = get("since=$gone");
        is($lost->{status}, 410, "not known: $gone");
        is($lost->{headers}{'clusto-next'}, $cursor, 'where to go on after reading everything');
        like($lost->{headers}{'clusto-oldest'}, qr/^\d+-[0-9a-f]{8}$/, 'the oldest one');
    }
};

subtest 'what is told' => sub {
    my $cursor = now();
    put('a/colour', 'red');
    put('a/colour', 'blue');
    my ($first, $second) = follow($cursor, '', sub { $_[0] });
    is($first->{description}, 'PUT /attribute/a/colour', 'which version it was');
    is_deeply([ map { $first->{attrs}[0]{$_} } qw(datatype key number subkey value) ], [ 'string', 'colour', undef, undef, 'red' ], 'an attribute that was added');
    is_deeply([ map { [ !!$_->{added}, $_->{value} ] } @{ $second->{attrs} } ], [ [ !!1, 'blue' ], [ !!0, 'red' ] ], 'and replaced');
    cmp_ok($first->{seq}, '<', $second->{seq}, 'in order');
    is($second->{attrs}[1]{id}, $first->{attrs}[0]{id}, 'by the id of its row');
    $cursor = now();
    $client->post('/entity/pool/p', form => [ action => 'insert', device => 'a' ]);
    is(join(', ', sort(follow($cursor))), 'changed /pool/p, referenced /basicserver/a', 'a container');
    $cursor = now();
    sql("update entities set name = 'aa' where name = 'a'");
    is(follow($cursor, '', sub { join ' ', grep { defined } @{ $_[0] }{qw(change object was)} }),
        'renamed /basicserver/aa /basicserver/a, referenced /pool/p', 'a new name');
    sql("update entities set name = 'a' where name = 'aa'");
    $client->post('/attribute/b', form => { key => 'peer', datatype => 'relation', value => '/basicserver/a' });
    $cursor = now();
    is($client->delete('/entity/basicserver/a')->{status}, 204, 'deleted');
    is(join(', ', sort(follow($cursor))), 'changed /basicserver/b, changed /pool/p, deleted /basicserver/a', 'its container and what referred to it are told');
    is(follow($cursor, '&attrs=false', sub { exists $_[0]{attrs} ? 'attrs' : () }), '', 'without attributes');
    $cursor = now();
    $client->post('/entity/basicserver', form => { name => 'a' });
    is(follow($cursor), 'created /basicserver/a', 'a new object by an old name');
};

# Setting an attribute and giving a resource are told by the statement that does it, not by the triggers.
subtest 'what muster tells itself' => sub {
    $client->post('/entity/basicserver', form => [ map { (name => "told$_") } 1 .. 3 ]);
    $client->post('/resourcemanager/ipmanager', form => { name => 'told', baseip => '10.9.0.0', netmask => '255.255.255.0' });
    my $cursor = now();
    my $done   = $client->post('/transaction', json => [
        (map { { method => 'PUT', path => "/attribute/told2/$_", params => { value => 'x' } } } qw(one two)),
        { method => 'POST', path => '/attribute/told3', params => { key => 'after', value => 'x' } },
        { method => 'POST', path => '/resourcemanager/ipmanager/told', params => { object => 'told1' } },
        { method => 'POST', path => '/resourcemanager/ipmanager/told', params => { object => 'told' } },
        { method => 'DELETE', path => '/attribute/told3/after' },
    ]);
    is($done->{status}, 200, 'a transaction') or diag $done->{body};
    is(join(', ', sort(follow($cursor))), 'changed /basicserver/told1, changed /basicserver/told2, changed /basicserver/told3, changed /ipmanager/told', 'each object once');
    is(sql("select count(*) from muster_change where version = (select max(version) from clustoversioning) group by key order by 1") =~ s/\s+/ /gr,
        '1 2 2 3', 'no more rows than statements');
    for my $when (qw(before after)) {
        sql(<<"END");
create function note() returns trigger language plpgsql as \$\$ begin
    insert into entity_attrs (entity_id, key, datatype, string_value, version)
    select entity_id, 'noted', 'string', '$when', new.version from entities where name = 'told3' and deleted_at_version is null;
    return new;
end \$\$;
create trigger note $when insert on entity_attrs for each row when (new.key = 'paint') execute function note();
END
        $cursor = now();
        put('told2/paint', $when);
        put('told2/other', $when);
        is(join(', ', sort(follow($cursor))), 'changed /basicserver/told2, changed /basicserver/told2, changed /basicserver/told3', "what somebody's trigger writes $when it is told, too");
        sql('drop function note cascade');
    }
};

subtest 'filters' => sub {
    my $cursor = now();
    $client->post('/entity/pool/q', form => [ action => 'insert', device => 'p' ]);
    $client->post('/entity/pool/p', form => [ action => 'insert', device => 'b' ]);
    put('b/colour', 'red');
    put('c/shade',  'red');
    $client->post('/entity/pool/p', form => [ action => 'remove', device => 'b' ]);
    put('b/colour', 'green');
    is(join(', ', sort(follow($cursor, '&driver=pool'))), 'changed /pool/p, changed /pool/p, changed /pool/q, referenced /pool/p', 'driver');
    is(follow($cursor, '&object=c'), 'changed /basicserver/c', 'object');
    is(follow($cursor, '&object=/basicserver/c&object=zzz'), 'changed /basicserver/c', 'by its path, one of several');
    is(follow($cursor, '&key=shade&attrs=0'), 'changed /basicserver/c', 'key');
    my $of_pool = 'referenced /basicserver/b, changed /basicserver/b, left /basicserver/b';
    is(follow($cursor, '&pool=p'), $of_pool, 'pool: that it left is told, what came after is not');
    like(follow($cursor, '&pool=q'), qr{^referenced /pool/p, .*left /basicserver/b}, 'at any depth');
    is(follow($cursor, '&pool=p&key=colour'), 'changed /basicserver/b', 'two filters');
    my $empty = get("since=$cursor&object=nobody");
    is_deeply($empty->{json}, [], 'nothing passes');
    isnt($empty->{headers}{'clusto-next'}, $cursor, 'and the cursor goes on');
    my $whole = join ' ', follow($cursor, '', sub { $_[0]{seq} });
    is(join(' ', follow($cursor, "&limit=$_", sub { $_[0]{seq} })), $whole, "the same in pages of $_") for 1, 2, 3, 7;
    is(follow($cursor, "&limit=$_&driver=basicserver"), follow($cursor, '&driver=basicserver'), "with a filter in pages of $_") for 1 .. 5;
};

subtest 'a question' => sub {
    is($client->post('/entity/basicserver', form => { name => 'f' })->{status}, 201, 'an object');
    my $cursor = now();
    my $found  = sub { my ($q, $more) = @_; return follow($cursor, '&q=' . uri_encode($q) . ($more // '')) };
    put('f/crew/team', 'web');
    put('f/shade', 'dark');
    put('f/crew/team', 'mail');
    put('f/shade', 'light');
    put('d/size', '7');
    my @of_web = ('changed /basicserver/f', 'changed /basicserver/f', 'left /basicserver/f');
    is($found->('attr crew.team = web'), join(', ', @of_web), 'that an object stops to fit is told, what came after is not');
    is($found->('attr crew.team = web', '&key=shade'), 'changed /basicserver/f', 'beside another filter');
    is($found->('attr crew.team = web', "&limit=$_"), join(', ', @of_web), "in pages of $_") for 1 .. 4;
    is($found->('not attr size > 6 and name = d'), 'left /basicserver/d', 'by what was not there');
    is($found->('attr size > 6 or attr crew exists and not is basicserver'), 'changed /basicserver/d', 'a number');
    is($found->('is pool'), '', 'nothing fits');
    $cursor = now();
    $client->post('/entity/pool/p', form => [ action => 'insert', device => 'd' ]);
    put('d/size', '8');
    put('f/size', '8');
    $client->post('/entity/pool/p', form => [ action => 'remove', device => 'd' ]);
    put('d/size', '9');
    my $of_pool = 'referenced /basicserver/d, changed /basicserver/d, left /basicserver/d';
    is($found->('is basicserver and within p'), $of_pool, 'in a container');
    is($found->('pool = p and is basicserver'), $of_pool, 'in a type of container');
    is($found->('is basicserver and directly within p'), $of_pool, 'directly');
    is($found->('is basicserver and within q'), $of_pool, 'through another');
    is($found->('is basicserver and directly within q'), '', 'not directly');
    like($found->('has d'), qr{^changed /pool/p, .*left /pool/p$}, 'what has it');
    is($found->('attr inherited colour exists and name = d'), '', 'what its containers do not have is not inherited');
    my ($earlier, $has) = ($cursor, scalar $found->('has d'));
    $cursor = now();
    sql("update entities set name = 'dd' where name = 'd'");
    is(follow($earlier, '&q=has+d'), $has, 'what had it by its old name');
    is($found->('name = d'), 'left /basicserver/dd', 'an old name');
    is($found->('name = dd'), 'renamed /basicserver/dd', 'a new name');
    sql("update entities set name = 'd' where name = 'dd'");
    is($client->post('/entity/basicserver', form => { name => 'brief' })->{status}, 201, 'one for a short time');
    is($client->delete('/entity/basicserver/brief')->{status}, 204, 'and gone');
    is($found->('name = brief'), 'created /basicserver/brief, deleted /basicserver/brief', 'created and deleted');
    sql("insert into entities (entity_id, type, driver, name, version) values (90001, 'server', 'basicserver', 'psql', 1)");
    is($found->('name = psql'), 'created /basicserver/psql', 'written by another program');
    sql("delete from entities where entity_id = 90001");
    is($found->('name = psql'), 'created /basicserver/psql, deleted /basicserver/psql', 'and erased by it');
    is(get("since=$cursor&q=")->{status}, 412, 'an empty question');
    like(get("since=$cursor&q=name+bad")->{body}, qr/line 1, column|column 6/, 'a bad one');
    is(get("since=$cursor&q=name+bad")->{status}, 400, 'is refused');
    is($client->delete('/entity/basicserver/f')->{status}, 204, 'the end');
};

subtest 'who commits when' => sub {
    my $cursor = now();
    sql("begin; update entity_attrs set string_value = 'never' where key = 'shade' and deleted_at_version is null; rollback");
    is(follow($cursor), '', 'what is rolled back is not told');
    sql("begin; savepoint s; update entity_attrs set string_value = 'no' where key = 'shade' and deleted_at_version is null; rollback to s;
        update entity_attrs set string_value = 'yes' where key = 'colour' and deleted_at_version is null; commit");
    is(follow($cursor), 'changed /basicserver/b', 'nor a savepoint');
    $cursor = now();
    sql("begin; update entity_attrs set string_value = 'later' where key = 'shade' and deleted_at_version is null; prepare transaction 'late'");
    put('d/colour', 'red');
    is(follow($cursor), 'changed /basicserver/d', 'a transaction that is under way holds nothing up');
    $cursor = now();
    sql("commit prepared 'late'");
    is(follow($cursor), 'changed /basicserver/c', 'and is told when it is committed');
    $cursor = now();
    sql("begin; insert into clustoversioning (\"timestamp\", \"user\", description) values (now(), 'python', 'as Python clusto');
        insert into entities (name, type, driver, version) select 'py', 'server', 'basicserver', max(version) from clustoversioning; commit");
    is(follow($cursor, '', sub { "$_[0]{change} $_[0]{object} $_[0]{user}" }), 'created /basicserver/py python', 'Python clusto');
};

# With two workers one may write: the other one makes no point meanwhile, as that is a write, too.
subtest 'a cursor while writes wait' => sub {
    is($client->post('/entity/basicserver', form => [ map { (name => $_) } qw(early late) ])->{status}, 201, 'two objects');
    my $before = now();
    is($client->delete('/entity/basicserver/early')->{status}, 204, 'one is deleted');
    my $release = $pg->hold('lock table entity_attrs in share mode');
    my $write   = begin_at($front->port, '/entity/basicserver/late', method => 'DELETE');
    ok(poll(60, sub { sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") }), 'the other one waits');
    my $answer = get('since=now');
    is($answer->{status} == 503 ? $answer->{headers}{'retry-after'} : 1, 1, 'a cursor is refused for a moment, unless the write has ended');
    is(get("since=$before")->{status}, 200, 'who follows is told what there is');
    $release->();
    ok(poll(60, sub { $answer->{status} == 200 || ($answer = get('since=now'))->{status} == 200 }), 'and is there again');
    is(read_until($write) && $write->{bytes} =~ m{^HTTP/1\.1 (\d+)} && $1, 204, 'the write goes on');
    unlike(follow($answer->{headers}{'clusto-next'}), qr/early/, 'what was acknowledged before is not told after it');
    is(follow($before), 'deleted /basicserver/early, deleted /basicserver/late', 'nothing was missed');
    is(follow(now()), '', 'nor anything told again');
};

subtest 'preferences' => sub {
    my $c = sub { my ($user, $query) = @_; return $client->get("/preferences/?changes&$query", headers => { 'X-User-Id' => $user }) };
    my $cursor = $c->('ann', 'since=now')->{headers}{'clusto-next'};
    my $write = sub { my ($method, $user, $name, @body) = @_; return $client->request($method, "/preferences/$name", headers => { 'X-User-Id' => $user }, @body) };
    $write->('PUT', 'ann', 'vim', body => '{"a": 1}');
    $write->('PUT', 'ann', 'sh',  body => '{"a": 1}');
    $write->('PUT', 'bob', 'vim', body => '{"a": 1}');
    $write->('PUT', 'ann', 'vim', body => '{"a": 2}');
    $write->('DELETE', 'ann', 'sh');
    my $answer = $c->('ann', "since=$cursor");
    is(join(', ', map { "$_->{container} $_->{deleted} " . ($_->{revision} ? 'r' : '-') } @{ $answer->{json} }), 'vim 0 r, sh 1 -', 'a user\'s own, each once') or diag $answer->{body};
    my $document = $write->('GET', 'ann', 'vim');
    like($document->{headers}{etag}, qr/\b$answer->{json}[0]{revision}\b/, 'the revision is that of the document');
    is_deeply($c->('ann', "since=$answer->{headers}{'clusto-next'}")->{json}, [], 'once');
    like($c->('ann', "since=$cursor&contains=%7B%7D")->{body}, qr/not both/, 'changes are not searched');
    like($write->('GET', 'ann', "?$_=1")->{body}, qr/are for changes/, "and nothing else has $_") for qw(since limit);
    is(scalar @{ $c->('bob', "since=$cursor")->{json} }, 1, 'of another user the others');
    my $page = $c->('ann', "since=$cursor&limit=1");
    is($page->{headers}{'clusto-more'}, 'true', 'page by page');
    is($c->('ann', "since=$page->{headers}{'clusto-next'}")->{json}[0]{container}, 'sh', 'the next one');
    is($c->('ann', 'since=999999-00000000')->{status}, 410, 'not known');
    is($c->('ann', 'since=x')->{status}, 400, 'no cursor');
    is(follow($cursor), '', 'the inventory has none of it');
};

# As a browser connects again. The stream ends at once where nobody may wait.
subtest 'a stream that goes on' => sub {
    my $other = Muster::Server->new(postgres => $pg, schema => 0, conf => { workers => 1, feed_waiters => 0 });
    my $door  = Muster::Front->new(server => $other);
    my $goes_on = sub {
        my ($path, $id) = @_;
        return $door->client->get($path, headers => { Accept => 'text/event-stream', 'Last-Event-ID' => $id, 'X-User-Id' => 'ann' })->{body};
    };
    my $cursor = now();
    $client->post('/entity/pool', form => { name => 'goeson' });
    like($goes_on->('/changes', $cursor), qr/goeson/, 'by its last event alone, with what is new');
    $client->post('/preferences/goeson', headers => { 'X-User-Id' => 'ann' }, json => { a => 1 });
    like($goes_on->('/preferences/?changes', $cursor), qr/goeson/, 'of preferences as well');
    unlike($door->client->get("/changes?since=$cursor", headers => { Accept => 'text/event-stream;q=0, application/json' })->{headers}{'content-type'}, qr/event-stream/, 'no stream for who excludes it');
    $_->stop for $door, $other;
};

# A page that reading cut off inside a batch, and that the filter's limit cuts off again before.
subtest 'pages that are cut off twice' => sub {
    my $cursor = now();
    sql("insert into entities (type, driver, name, version) select case when i % 3 = 1 then 'pool' else 'server' end, case when i % 3 = 1 then 'pool' else 'basicserver' end, 'cut' || i, 1 from generate_series(1, 20) i");
    for my $limit (1 .. 6) {
        is(join(' ', follow($cursor, "&driver=pool&limit=$limit", sub { $_[0]{object} =~ s{.*/}{}r })), 'cut1 cut4 cut7 cut10 cut13 cut16 cut19', "each once, $limit on a page");
    }
};

subtest 'programs that follow' => sub {
    my $dir = temp_dir();
    my $url = $front->url;
    my @sh  = (source_dir() . '/contrib/examples/follow.sh', $url, "$dir/cursor", 'once');
    is(run(['sh', @sh])->{out}, "*\n", 'follow.sh begins');
    my @py = (which('python3'), source_dir() . '/contrib/examples/follow.py', $url, "$dir/copy", '--once');
    is(run(\@py)->{status}, 0, 'follow.py begins');
    my $copy = sub { return JSON::PP->new->decode(slurp("$dir/copy"))->{objects} };
    is(scalar keys %{ $copy->() }, sql('select count(*) from entities where deleted_at_version is null'), 'with everything');
    put('c/shade', 'white');
    $client->delete('/entity/basicserver/py');
    is(run(['sh', @sh])->{out}, "/basicserver/c\n/basicserver/py\n", 'follow.sh: what changed');
    is(run(\@py)->{status}, 0, 'follow.py goes on');
    is($copy->()->{'/basicserver/c'}[0]{value}, 'white', 'an attribute');
    ok(!exists $copy->()->{'/basicserver/py'}, 'a deleted object');
    sql('update muster_point set nonce = nonce # 1');
    put('c/shade', 'black');
    is(run(['sh', @sh])->{out}, "*\n", 'follow.sh: not known any more');
    is(run(\@py)->{status}, 0, 'follow.py reads everything again');
    is($copy->()->{'/basicserver/c'}[0]{value}, 'black', 'and has it');
    my @following = map { Muster::Process->start($_, out => "$dir/out") } [ 'sh', @sh[ 0 .. 2 ] ], [ @py[ 0 .. 3 ] ];
    for my $colour (qw(grey pink)) {
        ok(poll(60, sub { $client->metric('waiting_clients') == 2 }), 'both wait') or diag $client->metric('waiting_clients');
        put('c/shade', $colour);
        ok(poll(60, sub { ($copy->()->{'/basicserver/c'}[0]{value} // '') eq $colour }), "follow.py is woken: $colour");
    }
    ok(poll(60, sub { 2 == (() = slurp("$dir/out") =~ m{^/basicserver/c$}mg) }), 'follow.sh, too') or diag slurp("$dir/out");
    $_->stop for @following;
    ok(poll(60, sub { $client->metric('waiting_clients') == 0 }), 'nobody waits any more');
};

subtest 'a standby' => sub {
    my $cursor  = now();
    my $standby = Muster::Postgres->standby_of($pg);
    my $second  = Muster::Front->new(server => Muster::Server->new(postgres => $standby, schema => 0, conf => { workers => 2 }));
    my $reader  = $second->client;
    put('c/shade', 'grey');
    is(get("since=$cursor", $reader)->{headers}{'clusto-next'}, $cursor, 'makes no points of its own');
    my $next = now();
    ok(poll(60, sub { get("since=$cursor", $reader)->{headers}{'clusto-next'} eq $next }), 'has those of the primary');
    is(get("since=$cursor", $reader)->{body}, get("since=$cursor")->{body}, 'and tells the same');
    $second->stop;
    $standby->stop;
};

subtest 'changes that are not known' => sub {
    my $cursor = now();
    sql('alter table entity_attrs disable trigger muster_change_update');
    is(get("since=$cursor")->{status}, 409, 'triggers are off: refused');
    sql("update entity_attrs set string_value = 'untold' where key = 'shade' and deleted_at_version is null;
        alter table entity_attrs enable always trigger muster_change_update");
    is(get("since=$cursor")->{status}, 410, 'and lost when they are on again');
    $cursor = now();
    is(get("since=$cursor")->{status}, 200, 'it goes on from here');
    sql('truncate counters, entity_attrs');
    is(get("since=$cursor")->{status}, 410, 'truncated');
    $cursor = now();
    put('c/shade', 'new');
    is(follow($cursor), 'changed /basicserver/c', 'it goes on');
};

subtest 'restored into another cluster' => sub {
    my $cursor = now();
    sql("update muster_floor set cluster = 1; update muster_change set xid = (xid::text::bigint + 1000000000)::text::xid8;
        update muster_point set snapshot = replace(replace('X:X:', 'X', (pg_snapshot_xmax(snapshot)::text::bigint + 1000000000)::text), ' ', '')::pg_snapshot");
    $server->restart;
    is(get("since=$cursor")->{status}, 410, 'old cursors are not known');
    $cursor = now();
    put('d/colour', 'restored');
    is(follow($cursor), 'changed /basicserver/d', 'new changes are told');
    is($client->get('/by-name/d', headers => { 'Clusto-As-Of' => 'now' })->{status}, 200, 'versions are settled');
};

subtest 'the database is away' => sub {
    my $cursor = now();
    $pg->stop('immediate');
    my $answer = get("since=$cursor");
    is($answer->{status}, 503, 'unavailable');
    ok($answer->{headers}{'retry-after'}, 'for now');
    $pg->start;
    ok(poll(60, sub { get("since=$cursor")->{status} == 200 }), 'the cursor outlives a crash');
};

subtest 'pruning' => sub {
    my $cursor = now();
    put('d/colour', 'old');
    my $kept = now();
    put('d/colour', 'new');
    sql("update muster_point set made = made - interval '2 hours' where point < " . ($kept =~ /^(\d+)/)[0]);
    ok(poll(200, sub { $client->get('/by-name/d'); get("since=$cursor")->{status} == 410 }), 'older points than feed_keep go within a minute or two');
    is(follow($kept), 'changed /basicserver/d', 'newer ones stay');
    ok(poll(200, sub { $client->get('/by-name/d'); sql("select count(*) from muster_change where xid < (select pg_snapshot_xmin(snapshot) from muster_point order by point limit 1)") == 0 }), 'with the changes that they need');
};

done_testing;
