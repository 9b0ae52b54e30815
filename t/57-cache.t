# 57-cache.t: the response cache under attack: paths that lead elsewhere, conditions sent twice, sessions
# that change what others just referred to, triggers that are off, tables of a subscriber.
use v5.24;
use warnings;
use IO::Select ();
use IPC::Open2 qw(open2);
use POSIX ();
use Test::More;
use Muster::Client;
use Muster::Data qw(python_tables);
use Muster::Fastcgi qw(begin_request connect_to read_all record);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;

my $postgres = Muster::Postgres->new(settings => { wal_level => 'logical' });
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => 2, cache_size => 8 });
my $front    = Muster::Front->new(server => $server);
my $client   = $front->client;

sub psql { return $postgres->psql(@_) }

# A session that stays: runs SQL, answers its rows. With "wait => 0" it does not wait for the end of it.
my @sessions;
sub session {
    my $pid = open2(my $out, my $in, "$postgres->{bin}/psql", '-XqAt', '-d', $postgres->conninfo);
    push @sessions, [ $pid, $in ];
    my $busy   = 0;
    my $finish = sub {
        my @rows;
        while ($busy && defined(my $line = <$out>)) {
            chomp $line;
            $line eq '-- done' ? $busy-- : push @rows, $line;
        }
        return @rows;
    };
    return sub {
        my ($sql, %option) = @_;
        if (defined $sql) {
            syswrite $in, "$sql\n\\qecho -- done\n";
            $busy++;
        }
        return $option{wait} // 1 ? $finish->() : ();
    };
}

# How many responses were served from the cache meanwhile.
sub served {
    my ($sub) = @_;
    my $count = sub { $client->get('/__metrics__')->{body} =~ /^muster_cache_served_total (\d+)$/m ? $1 : die 'no such metric' };
    my $before = $count->();
    $sub->();
    return $count->() - $before;
}

# Reads often enough that it is in the cache; the last response.
sub contents {
    my ($name, $c) = @_;
    my $answer;
    $answer = ($c // $client)->get("/by-name/$name") for 1 .. 3;
    return ref $answer->{json} eq 'HASH' ? join ' ', @{ $answer->{json}{contents} } : $answer->{status};
}

sub value {
    my ($name, $c) = @_;
    my $answer = ($c // $client)->get("/attribute/$name/v");
    return ref $answer->{json} eq 'ARRAY' ? join ' ', map { $_->{value} } @{ $answer->{json} } : $answer->{status};
}

my $refer = "insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select a.entity_id, '_contains', 7, 'relation', r.entity_id, 1 from entities a, entities r where a.name = '%s' and r.name = '%s';";

$client->post('/entity/pool', form => [ map { (name => $_) } 'p', map { "a$_" } 1 .. 9 ]);
$client->post('/entity/basicserver', form => [ map { (name => $_) } map { ("s$_", "r$_") } 1 .. 9 ]);
$client->post('/entity/pool/p', form => [ action => 'insert', map { (device => "s$_") } 1 .. 4 ]);

subtest 'where the next page is' => sub {
    my $page = 'pool=p&clusto_after=0&clusto_per_page=2';
    my $next = $client->get('/entity/?clusto_after=0&clusto_per_page=1')->{headers}{'clusto-next'};
    for my $query ($page, "$page&type=server") {
        for my $path ('//evil.example/../from-pools', '/from-pools', '/./from-pools/', '/x%3E;%20rel=%22x/..//from%2Dpools', '/x>;,"/../from-pools') {
            for my $time ('first', 'again') {
                my $answer = $client->get("$path?$query");
                is($answer->{status}, 200, "$path, $time") or diag $answer->{body};
                like($answer->{headers}{link} // '', qr{^</from-pools\?pool=p&(?:type=server&)?clusto_per_page=2&clusto_after=\d+>; rel="next"$},
                    'the link says what this is, not what was asked');
            }
        }
    }
    my $evil = 'x>",=>; rel=evil';
    $client->post('/entity/pool', form => [ name => $evil ]);
    $client->post('/entity/pool/x%3E%22,=%3E;%20rel=evil', form => [ action => 'insert', map { (device => "s$_") } 1 .. 4 ]);
    my $odd = $client->get('/from-pools?clusto_after=0&clusto_per_page=2&pool=x%3E%22,=%3E;%20rel=evil');
    like($odd->{headers}{link} // '', qr/\?pool=x%3E%22%2C%3D%3E%3B%20rel%3Devil&clusto_per_page=2&clusto_after=\d+>; rel="next"$/, 'parameters come encoded');
    my $listed = $client->get('//evil.example/../entity/?clusto_after=0&clusto_per_page=1');
    is($listed->{headers}{link}, "</entity?clusto_per_page=1&clusto_after=$next>; rel=\"next\"", 'also of lists that are not kept');
    my $absolute = $client->raw("GET http://evil.example/from-pools?$page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    like($absolute->{headers}{link} // '', qr{^</from-pools\?}, 'and where the whole address was sent');
};

subtest 'a prefix that the front server takes off' => sub {
    my $mounted = Muster::Front->new(server => $server, edit => sub {
        $_[0] =~ s{fastcgi_param PATH_INFO \s*\$uri;}{fastcgi_param SCRIPT_NAME "/inv"; set \$rest \$uri;
            if (\$uri ~ ^/inv(/.*)\$) { set \$rest \$1; } fastcgi_param PATH_INFO \$rest;}r;
    });
    my $page = 'pool=p&clusto_after=0&clusto_per_page=2';
    for (1 .. 2) {
        for my $path ('/inv/from-pools', '/evil.example/../inv/from-pools') {
            my $answer = $mounted->client->get("$path?$page");
            like($answer->{headers}{link} // '', qr{^</inv/from-pools\?pool=p&clusto_per_page=2&clusto_after=\d+>; rel="next"$}, "$path is below it")
                or diag $answer->{body};
        }
        like($client->get("/from-pools?$page")->{headers}{link} // '', qr{^</from-pools\?}, 'without it, without it');
    }
    $mounted->stop;
};

# Most front servers refuse that or make one of both; so it comes to us without any.
subtest 'a condition that was sent twice' => sub {
    my @as = ('X-User-Id' => 'ann');
    $client->post('/preferences/box', headers => {@as}, json => { a => 1 });
    my $tag = $client->get('/preferences/box', headers => {@as})->{headers}{etag};
    my $ask = sub {
        my $socket = connect_to($server);
        syswrite $socket, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/preferences/box', HTTP_X_USER_ID => 'ann', @_) . record(5, '');
        return read_all($socket, 10) =~ /Status: (\d+)/ ? $1 : 'nothing';
    };
    for my $case ([ HTTP_IF_NONE_MATCH => '"other"' ], [ HTTP_IF_MATCH => $tag ]) {
        my ($name, $have) = @$case;
        is($ask->($name => $have), 200, "$name once") for 1 .. 3;
        is($ask->($name => [ $have, '"another"' ]), 400, "$name twice");
        is($ask->($name => [ '"another"', $have ]), 400, 'the other way round');
        is($ask->($name => [ $have, $have ]), 400, 'the same one twice');
    }
};

# $2 is changed in one session, $1 comes to refer to it in another; whoever reads in between keeps the
# response for $1. It is out of date when the first one commits, though the first one never saw that.
subtest 'renamed and deleted from outside' => sub {
    my $n = 0;
    for my $case (
        [ "update entities set name = 'new1' where name = 'r1'" => '/basicserver/new1', 'a name' ],
        [ "update entities set driver = 'basicappliance', type = 'appliance' where name = 'r2'" => '/basicappliance/r2', 'a driver' ],
        [ "update entities set deleted_at_version = 1 where name = 'r3'" => '', 'its life' ],
    ) {
        my ($change, $want, $name) = @$case;
        $n++;
        my ($one, $two) = (session(), session());
        $one->("begin; $change;");
        $two->(sprintf $refer, "a$n", "r$n");
        is(contents("a$n"), "/basicserver/r$n", "$name: not changed yet");
        $one->('commit;');
        is(contents("a$n"), $want, "$name: changed");
    }
    for my $case (
        [ "update entities set name = 'new4' where name = 'r4'" => '/basicserver/new4', 'a name' ],
        [ "update entities set deleted_at_version = 1 where name = 'r5'" => '', 'its life' ],
    ) {
        my ($change, $want, $name) = @$case;
        $n++;
        my ($one, $two) = (session(), session());
        $two->('begin; ' . sprintf $refer, "a$n", "r$n");
        $one->("begin; $change;");
        $two->('commit;');
        is(contents("a$n"), "/basicserver/r$n", "$name, referred to before: not changed yet");
        $one->('commit;');
        is(contents("a$n"), $want, "$name, referred to before: changed");
    }
    my $one = session();
    $one->("begin isolation level repeatable read; select 1;");
    psql(sprintf $refer, 'a6', 'r6');
    is(contents('a6'), '/basicserver/r6', 'in a snapshot: not changed yet');
    $one->("update entities set name = 'new6' where name = 'r6'; commit;");
    is(contents('a6'), '/basicserver/new6', 'in a snapshot: changed');
};

# The same with a deletion of ours, whose last step somebody holds up; a reference is taken back that
# was deleted long ago, which asks for no foreign key.
subtest 'deleted by us meanwhile' => sub {
    psql(sprintf $refer, 'a7', 'r7');
    psql("update entity_attrs set deleted_at_version = 1 where number = 7 and entity_id = (select entity_id from entities where name = 'a7')");
    psql("create function stall() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(7); return null; end';
        create trigger zz_stall after update on entities for each statement execute function stall()");
    my ($stall, $two) = (session(), session());
    $stall->('select pg_advisory_lock(7);');
    my $waiting = sub { psql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") };
    my $delete  = fork // die "fork: $!";
    if ($delete == 0) {
        POSIX::_exit($client->delete('/entity/basicserver/r7')->{status} == 204 ? 0 : 1);
    }
    ok(poll(10, sub { $waiting->() == 1 }), 'ours is under way');
    $two->("update entity_attrs set deleted_at_version = null where number = 7 and entity_id = (select entity_id from entities where name = 'a7'); select set_config('application_name', 'through', false);", wait => 0);
    ok(poll(10, sub { $waiting->() == 2 || psql("select count(*) from pg_stat_activity where application_name = 'through'") }), 'the other too');
    contents('a7');
    $stall->('select pg_advisory_unlock(7);');
    waitpid $delete, 0;
    is($?, 0, 'it is deleted');
    $two->();
    is(contents('a7'), '', 'and not shown any more');
    psql('drop function stall cascade');
};

subtest 'what has nothing to do with it stays' => sub {
    is(contents('a8'), '', 'kept');
    is($client->delete('/entity/basicserver/r8')->{status}, 204, 'another one is deleted');
    is(served(sub { contents('a8') }), 3, 'still kept');
    psql("update entities set version = version where name = 'r9'; update entities set name = 'x' where false; delete from entities where false");
    is(served(sub { contents('a8') }), 3, 'also when a write stores what already exists, or nothing');
};

# Every way of changing a table that no trigger tells of is a change of the triggers or the table.
subtest 'triggers that are off' => sub {
    my $set = sub { psql("update entity_attrs set string_value = '$_[0]' where key = 'v'") };
    psql("insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'v', 'string', 'start', 1 from entities where name = 's5'");
    my $check = sub { $server->run_program(['--check-db']) };
    my $mend  = sub {
        my ($what) = @_;
        my $report = $check->();
        is($report->{status}, 1, "$what: --check-db finds it");
        like($report->{out}, qr/^triggers of entity_attrs are missing or not always on: muster_change_\w+.*muster --init-db/m, 'says what to do');
        is($server->run_program(['--init-db'])->{status}, 0, 'does it');
        unlike($check->()->{out}, qr/triggers/, 'and then it is well');
        value('s5') for 1 .. 2;
        is(served(sub { value('s5') for 1 .. 4 }), 4, 'and answers are kept again');
    };
    is(value('s5'), 'start', 'kept') for 1 .. 2;
    psql('alter table entity_attrs disable trigger all');
    $set->('disabled');
    is(value('s5'), 'disabled', 'disabled: what is there') for 1 .. 2;
    $set->('once more');
    is(served(sub { is(value('s5'), 'once more', 'what is there now') for 1 .. 2 }), 0, 'nothing was kept');
    psql('alter table entity_attrs enable trigger all');
    is(served(sub { value('s5') for 1 .. 4 }), 0, 'nor with those that only ordinary sessions fire');
    $mend->('enabled as pg_restore does');

    psql("begin; alter table entity_attrs disable trigger muster_change_update; update entity_attrs set string_value = 'between' where key = 'v';
        alter table entity_attrs enable always trigger muster_change_update; commit");
    is(value('s5'), 'between', 'disabled and enabled between two questions');
    is(served(sub { value('s5') for 1 .. 4 }), 4, 'which needs no mending');

    psql('drop trigger muster_change_update on entity_attrs');
    $set->('dropped');
    is(value('s5'), 'dropped', 'dropped');
    $set->('still dropped');
    is(value('s5'), 'still dropped', 'dropped, once more');
    $mend->('dropped');

    psql('alter table entity_attrs disable trigger user');
    $mend->('disabled all of ours');
    is(psql("select count(*) from pg_trigger where tgrelid = 'entity_attrs'::regclass and tgenabled = 'D'"), 0, 'the other lists are kept up again, too');

    psql('alter table entity_attrs alter string_value type text using upper(string_value)');
    is(value('s5'), 'STILL DROPPED', 'a table that was made anew');

    psql("create table was as table entity_attrs; begin; alter table entity_attrs disable trigger user; delete from entity_attrs where key = 'v';
        alter table entity_attrs enable always trigger muster_change_delete; alter table entity_attrs enable always trigger muster_change_insert;
        alter table entity_attrs enable always trigger muster_change_update; alter table entity_attrs enable always trigger muster_change_truncate; commit");
    is(value('s5'), '', 'deleted by somebody who tidied up');
    $server->run_program(['--init-db']);
};

subtest 'another database by the same name' => sub {
    $client->put('/attribute/s6/v', form => { value => 'one' });
    is(value('s6'), 'one', 'kept') for 1 .. 2;
    my $done = sub { $postgres->psql($_[0], database => 'postgres', fails => 1)->{status} == 0 };
    my $alone = sub {
        my ($sql) = @_;
        return poll(10, sub { $done->("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'muster'"); $done->($sql) });
    };
    ok($alone->('create database copy template muster'), 'a copy');
    $client->put('/attribute/s6/v', form => { value => 'two' });
    poll(10, sub { value('s6') eq 'two' });
    is(value('s6'), 'two', 'kept') for 1 .. 2;
    ok($alone->('alter database muster rename to old'), 'it is renamed');
    ok($done->('alter database copy rename to muster'), 'here is another');
    my $got;
    poll(10, sub { ($got = value('s6')) =~ /^(one|two)$/ });
    is($got, 'one', 'what the copy has');
};

# The worker that applies what another database sends fires no triggers for statements.
subtest 'a subscriber' => sub {
    psql("create role reader login; grant usage on schema public to reader; grant select on all tables in schema public to reader");
    $postgres->create_database('source');
    psql(python_tables() . 'create publication everything for all tables;', database => 'source');
    psql("select pg_create_logical_replication_slot('apply', 'pgoutput')", database => 'source');
    my $reader = Muster::Server->new(postgres => $postgres, schema => 0, conninfo => $postgres->conninfo =~ s/user=postgres/user=reader/r,
        conf => { workers => 2, cache_size => 8 });
    my $below = Muster::Front->new(server => $reader);
    is(value('s6', $below->client), 'one', 'kept') for 1 .. 2;
    my $id = psql("select entity_id from entities where name = 's6'");
    psql("create subscription apply connection '" . $postgres->conninfo('source') . "' publication everything with (create_slot = false, slot_name = 'apply', copy_data = false)");
    for my $value ('sent', 'sent again') {
        psql("set session_replication_role = replica; insert into entity_attrs (attr_id, entity_id, key, datatype, string_value, version)
            values (nextval('entity_attrs_attr_id_seq') + 100000, $id, 'v', 'string', '$value', 1)", database => 'source');
        ok(poll(20, sub { psql("select count(*) from entity_attrs where string_value = '$value'") == 1 }), 'another database sent something');
        like(value('s6', $_), qr/\b$value$/, 'it is there') for $client, $below->client, $client, $below->client;
    }
    is(served(sub { value('s6') for 1 .. 4 }), 0, 'nothing is kept');
    like($reader->wait_log(qr/the response cache is off[^\n]*/) // '', qr/subscription/, 'the log says so');
    psql('alter subscription apply disable; alter subscription apply set (slot_name = none); drop subscription apply');
    value('s6') for 1 .. 2;
    is(served(sub { value('s6') for 1 .. 4 }), 4, 'kept again when it is over');
    $_->stop for $below, $reader;
};

# One check serves all requests that are in flight, in whichever worker.
subtest 'one check for many' => sub {
    contents('p');
    my $count = sub {
        my $metrics = $client->get('/__metrics__')->{body};
        return map { $metrics =~ /^muster_cache_${_}_total (\d+)$/m ? $1 : die "no metric $_" } qw(checks served);
    };
    my ($checks, $served);
    my $fewer = poll(30, sub {
        my @before = $count->();
        my @got    = Muster::Client::parallel(8, sub { my $c = $front->client(keep_alive => 1); return join ' ', map { $c->get('/by-name/p')->{status} } 1 .. 50 });
        is_deeply([ grep { $_ ne join ' ', (200) x 50 } @got ], [], 'all are answered');
        my @after = $count->();
        ($checks, $served) = map { $after[$_] - $before[$_] } 0, 1;
        return $served > 300 && $checks < $served;
    });
    ok($fewer, "fewer checks than answers out of the cache") or diag("$checks checks, $served served");
    cmp_ok($checks, '>', 0, 'but some');
};

# Its database session stands still: the other worker waits for a moment, and then checks by itself.
subtest 'a check that hangs' => sub {
    contents('p');
    my ($backend) = psql("select pid from pg_stat_activity where application_name like 'muster%' and backend_type = 'client backend' order by pid limit 1");
    kill 'STOP', $backend or die "STOP $backend: $!";
    my $hangs;
    for (1 .. 50) {
        my $socket = $client->connect // die "connect: $@";
        syswrite $socket, "GET /by-name/p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        next if IO::Select->new($socket)->can_read(0.5);
        $hangs = $socket;
        last;
    }
    ok($hangs, 'a request waits for the session that stands still');
    my @status;
    is(served(sub { @status = map { $client->get('/by-name/p')->{status} } 1 .. 5 }), 5, 'others are answered out of the cache meanwhile');
    is_deeply(\@status, [ (200) x 5 ], 'well');
    kill 'CONT', $backend or die "CONT $backend: $!";
    my $answer = '';
    1 while $hangs && IO::Select->new($hangs)->can_read(30) && sysread $hangs, $answer, 65536, length $answer;
    like($answer, qr{^HTTP/1.1 200 }, 'and it when the session goes on');
};

subtest 'names that are there twice' => sub {
    psql('drop index muster_entities_name');
    psql("insert into entities (entity_id, name, type, driver, version) values (100001, 'high', 'server', 'basicserver', 1), (100000, 'low', 'pool', 'pool', 1)");
    my $driver = sub { $client->get('/by-name/high')->{json}{driver} };
    is($driver->(), 'basicserver', 'kept') for 1 .. 2;
    psql("update entities set name = 'high' where name = 'low'");
    is($driver->(), 'pool', 'an older one was renamed to it') for 1 .. 2;
    psql("insert into entities (entity_id, name, type, driver, version) values (99999, 'high', 'appliance', 'basicappliance', 1)");
    is($driver->(), 'basicappliance', 'a still older one was made');
};

for (@sessions) { close $_->[1]; waitpid $_->[0], 0 }
$_->stop for $front, $server;
done_testing;
