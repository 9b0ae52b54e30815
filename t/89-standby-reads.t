# 89-standby-reads.t: reads from standbys are as exact as from the primary: whoever has written, and while the standby
# is behind, paused, hangs, is killed, is promoted, or follows another primary. Readers through two servers compare
# each response with what was acknowledged before their request.
# MUSTER_STANDBY_SECONDS (8) and MUSTER_SEED set the length and the course of the stress; 60 for the whole of it.
use v5.24;
use warnings;
use IPC::Open2 qw(open2);
use Muster::Acknowledged;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW    = $ENV{MUSTER_SLOW} // 1;
my $SECONDS = $ENV{MUSTER_STANDBY_SECONDS} // 8;
my $SEED    = $ENV{MUSTER_SEED} // int(rand 2**31);
my @ann     = (headers => { 'X-User-Id' => 'ann' });
diag "seed $SEED, $SECONDS seconds";

my $primary = Muster::Postgres->new(settings => { synchronous_commit => 'on', wal_writer_delay => '10ms', hot_standby_feedback => 'on' });
Muster::Server->new(postgres => $primary, start => 0);
my $standby = Muster::Postgres->standby_of($primary);

sub hosts { my ($more, @postgres) = @_; return 'host=' . join(',', map { $_->socket_dir } @postgres) . " dbname=muster user=postgres $more" }

sub muster {
    my ($database, $read, %conf) = @_;
    my $server = Muster::Server->new(conninfo => $database, schema => 0, conf => { workers => 2, database_read => $read, cache_size => 0, %conf });
    return ($server, Muster::Front->new(server => $server, workers => 2));
}

sub stop_all { my ($postgres) = @_; return kill 'STOP', $postgres->{process}->pid, $postgres->{process}->children }
sub cont_all { my ($postgres) = @_; return kill 'CONT', $postgres->{process}->children, $postgres->{process}->pid }

sub value { my ($client, $name) = @_; return join ',', map { $_->{value} } @{ $client->get("/attribute/$name/v")->{json} } }

sub caught_up {
    my $position = $primary->psql('select pg_current_wal_flush_lsn()');
    return poll(60 * $SLOW, sub { $standby->psql("select pg_last_wal_replay_lsn() >= '$position'::pg_lsn") eq 't' });
}

# Does a standby serve the reads, again?
sub spared {
    my ($client, $what) = @_;
    return ok(poll(30 * $SLOW, sub {
        my $before = $client->metric('standby_reads_total');
        $client->get('/by-name/none');                           # which is not cached
        return $client->metric('standby_reads_total') > $before;
    }), $what);
}

# How many reads a standby has served meanwhile.
sub reads {
    my ($client, $code) = @_;
    my $before = $client->metric('standby_reads_total');
    $code->();
    return $client->metric('standby_reads_total') - $before;
}

subtest 'exact reads' => sub {
    my ($server, $front) = muster($primary->conninfo, $standby->conninfo, feed_waiters => 0);
    my $client = $front->client;
    $client->post('/entity/basicserver', form => { name => $_ }) for qw(one two);
    $client->post('/entity/pool', form => { name => 'p' });
    spared($client, 'a standby is read from');
    my @wrong;
    my $spared = reads($client, sub {
        for my $n (1 .. 20) {
            $client->put('/attribute/one/v', form => { value => $n });
            push @wrong, "muster $n" if value($client, 'one') ne $n;
            $primary->psql("update entity_attrs set string_value = 'psql$n' where key = 'v' and deleted_at_version is null") if $n % 5 == 0;
            push @wrong, "psql $n" if $n % 5 == 0 && value($client, 'one') ne "psql$n";
        }
    });
    is_deeply(\@wrong, [], 'each write is seen by the next read, whoever wrote');
    cmp_ok($spared, '>=', 12, 'and most were read from the standby');
    cmp_ok(reads($client, sub {
        is($client->get('/entity/')->{status}, 200, 'a whole list: the standby keeps what it needs (hot_standby_feedback)');
        is($client->get('/entity/', headers => { 'Clusto-Page' => 1 })->{status}, 200, 'a page');
        is($client->get('/query?q=' . Muster::Client::uri_encode('driver = "basicserver"'))->{status}, 200, 'a query');
        is($client->post('/query', form => { q => 'driver = "basicserver"' })->{status}, 200, 'and as POST');
        is($client->get('/export')->{status}, 200, 'an export');
        is($client->get('/search?q=one')->{status}, 200, 'a search');
        is($client->get('/by-name/nothing')->{status}, 404, 'what is not there');
    }), '>=', 5, 'all kinds of reads go there');
    $client->post('/preferences/box', @ann, json => { a => 1 });
    is($client->get('/preferences/box/a', @ann)->{json}, 1, 'a preference');
    my $id     = $client->get('/preferences/?changes&since=now', @ann)->{headers}{'clusto-next'};
    my %stream = (Accept => 'text/event-stream', 'Last-Event-ID' => $id, 'X-User-Id' => 'ann');
    $client->post('/preferences/box', @ann, json => { a => 2 });
    is(reads($client, sub { like($client->get('/preferences/?changes', headers => \%stream)->{body}, qr/box/, 'a stream has what is new') }), 0, 'from the primary, which makes its points');
    my $version = $client->put('/attribute/one/v', form => { value => 'later' })->{headers}{'clusto-version'};
    is($client->get('/attribute/one/v', headers => { 'Clusto-As-Of' => $version - 1 })->{json}[0]{value}, 'psql20', 'as of a version');
    is($client->get('/history?limit=1')->{json}{versions}[0]{version}, $version, 'the history has the latest write at once');

    $standby->psql('select pg_wal_replay_pause()');
    my $behind = $client->metric('standby_behind_total');
    $client->put('/attribute/one/v', form => { value => 'paused' });
    is(value($client, 'one'), 'paused', 'it is behind: the primary serves');
    is(value($client, 'one'), 'paused', 'again') for 1 .. 5;
    cmp_ok($client->metric('standby_behind_total'), '>', $behind, 'which is counted');
    $standby->psql('select pg_wal_replay_resume()');
    spared($client, 'it is used again');

    # What comes after the end of a segment is behind a header, which a standby has not got as long as nothing comes.
    ok(poll(60 * $SLOW, sub {
        $primary->psql('select pg_switch_wal()');
        caught_up();
        my $at     = $primary->psql('select pg_current_wal_insert_lsn()');
        my $spared = poll(2, sub { reads($client, sub { $client->get('/by-name/none') }) });
        return $at =~ /00028$/ && $spared && $primary->psql('select pg_current_wal_insert_lsn()') eq $at;
    }), 'it is used at the end of a segment');

    stop_all($standby);
    $client->put('/attribute/one/v', form => { value => 'hangs' });
    my $begin = time;
    is(value($client, 'one'), 'hangs', 'it hangs: the primary serves');
    is(value($client, 'one'), 'hangs', 'again') for 1 .. 5;
    cmp_ok(time - $begin, '<', 8 * $SLOW, 'without waiting for it long');
    cont_all($standby);
    spared($client, 'it is used again');

    $standby->stop('kill');
    $client->put('/attribute/one/v', form => { value => 'killed' });
    is(value($client, 'one'), 'killed', 'it is gone: the primary serves') for 1 .. 3;
    $standby->start;
    spared($client, 'it is used again');

    like($client->get('/__metrics__')->{body}, qr/^muster_standby_$_ \d+$/m, "the metric $_") for qw(reads_total checks_total behind_total failed_total stale_total);
    $_->stop for $front, $server;
};

subtest 'the cache' => sub {
    my ($server, $front) = muster($primary->conninfo, $standby->conninfo, cache_size => 4);
    my $client = $front->client;
    spared($client, 'a standby is read from');
    my @wrong;
    for my $n (1 .. 20) {
        $client->put('/attribute/two/v', form => { value => $n });
        for (1 .. 3) { push @wrong, $n if value($client, 'two') ne $n }
    }
    is_deeply(\@wrong, [], 'what was read from a standby is cached, and not longer than it is current');
    cmp_ok($client->metric('cache_served_total'), '>', 0, 'responses came from the cache');
    $_->stop for $front, $server;
};

# A standby that was promoted by mistake takes writes of its own, which nobody is to see.
subtest 'another timeline' => sub {
    my $other = Muster::Postgres->standby_of($primary);
    my ($server, $front) = muster($primary->conninfo, $other->conninfo);
    my $client = $front->client;
    spared($client, 'a standby is read from');
    $other->psql('select pg_promote()');
    poll(30 * $SLOW, sub { $other->psql('select pg_is_in_recovery()') eq 'f' }) or die 'not promoted';
    $other->psql("update entity_attrs set string_value = 'wrong'");
    $client->put('/attribute/one/v', form => { value => 'right' });
    is(value($client, 'one'), 'right', 'it is not read from') for 1 .. 5;
    # One that goes on as a standby there has come further than the primary, on a timeline that is not the primary's.
    $other->psql("create table filler as select generate_series(1, 20000)");
    my $third = Muster::Postgres->standby_of($other);
    my ($server2, $front2) = muster($primary->conninfo, $third->conninfo);
    is(value($front2->client, 'one'), 'right', 'nor is a standby of it') for 1 .. 5;
    is($front2->client->metric('standby_reads_total'), 0, 'not once');
    $_->stop for $front, $front2, $server, $server2, $third, $other;
};

subtest 'no primary' => sub {
    my ($server, $front) = muster($primary->conninfo, $standby->conninfo, stale_reads => 600_000, connect_timeout => 500);
    my ($strict, $door)  = muster($primary->conninfo, $standby->conninfo, connect_timeout => 500);
    my $client = $front->client;
    spared($_->client, 'a standby is read from') for $front, $door;
    my $whole = $client->get('/by-name/one');
    is($whole->{headers}{'clusto-stale'}, undef, 'what is exact says nothing');
    $primary->stop;
    my $stale = $client->get('/by-name/one');
    is($stale->{status}, 200, 'stale_reads: the standby serves');
    is($stale->{body}, $whole->{body}, 'what was there');
    like($stale->{headers}{'clusto-stale'}, qr/^[1-9][0-9]*$/, 'and says how old it may be');
    is($client->get('/by-name/one', headers => { 'If-None-Match' => $whole->{headers}{etag} })->{status}, 200, 'no 304 for what may be old');
    my $question = $client->post('/query', form => { q => 'name = one' });
    is($question->{status}, 200, 'so does a question by POST');
    like($question->{headers}{'clusto-stale'}, qr/^[1-9][0-9]*$/, '... in the same way');
    is($client->put('/attribute/one/v', form => { value => 'x' })->{status}, 503, 'nothing is written');
    is($door->client->get('/by-name/one')->{status}, 503, 'without that setting 503');
    $primary->start;
    ok(poll(30 * $SLOW, sub { my $answer = $client->get('/by-name/one'); $answer->{status} == 200 && !$answer->{headers}{'clusto-stale'} }), 'exact again');
    my $stales = $client->metric('standby_stale_total');
    my $ended  = $primary->psql("select string_agg(pid::text, ',') from (select pid, pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%') as t");
    ok(poll(60 * $SLOW, sub { $primary->psql("select count(*) from pg_stat_activity where pid in ($ended)") == 0 }), 'the connections to the primary are ended');
    $client->get('/by-name/one') for 1 .. 6;
    is($client->metric('standby_stale_total'), $stales, 'which is no reason for a stale response');
    $_->stop for $front, $door, $server, $strict;
};

# What a read costs the primary, in processor time of all its processes.
subtest 'the primary is spared' => sub {
    my %of = map { $_ => [ muster($primary->conninfo, $_ ? $standby->conninfo : '', workers => 1) ] } 0, 1;
    my ($plain, $spared) = map { $of{$_}[1]->client(keep_alive => 1) } 0, 1;
    $plain->post('/entity/basicserver', form => [ map { (name => sprintf 'many%04d', $_) } 1 .. 1000 ]);
    $primary->psql('vacuum analyze');
    spared($spared, 'a standby is read from');
    my @kinds = (
        [ 'a page of 1000 names', 200, '/entity/basicserver', 'Clusto-After' => 0, 'Clusto-Per-Page' => 1000 ],
        [ 'a page of 100 objects', 100, '/entity/basicserver', 'Clusto-After' => 0, 'Clusto-Per-Page' => 100, 'Clusto-Mode' => 'expanded' ],
        [ 'one object', 500, '/by-name/one' ],
    );
    for (@kinds) {
        my ($kind, $count, $path, @headers) = @$_;
        my @us = map {
            my $client = $_;
            $client->get($path, headers => {@headers}) for 1 .. 5;
            my $before = processor_us($primary);
            $client->get($path, headers => {@headers}) for 1 .. $count;
            (processor_us($primary) - $before) / $count;
        } $plain, $spared;
        diag sprintf '%s: %.0f us of the primary, %.0f us with a standby: %.0f %%', $kind, @us, 100 * $us[1] / $us[0];
        cmp_ok($us[1], '<=', $us[0] / ($SECONDS < 30 ? 2 : 3), "$kind costs the primary less") if $kind =~ /page/;
    }
    my ($reads, $questions) = map { $spared->metric("standby_${_}_total") } qw(reads checks);
    diag sprintf '%d reads by %d questions', $reads, $questions;
    $_->stop for map { @{ $of{$_} }[ 1, 0 ] } 0, 1;
};

sub processor_us {
    my ($postgres) = @_;
    my $ns = 0;
    for my $pid ($postgres->{process}->pid, $postgres->{process}->children) {
        $ns += (split ' ', Muster::Process::slurp("/proc/$pid/schedstat"))[0] // 0;
    }
    return $ns / 1000;
}

# On a standby of its own a Muster asks what is new since its snapshot; all of it, as long as an older transaction
# is open. But as nothing is replayed, nothing is new.
subtest 'a long transaction of the primary' => sub {
    my ($server, $front) = muster($standby->conninfo, '', cache_size => 4);
    my $client = $front->client;
    my $end    = $primary->hold('insert into entities (name, type, driver, version) values (\'held\', \'server\', \'basicserver\', 1)');
    $primary->psql("insert into entity_attrs (entity_id, key, datatype, int_value, version) select entity_id, 'filler', 'int', 1, 1 from entities where name like 'many%'") for 1 .. 3;
    ok(caught_up(), 'the standby has all but what is held');
    is($client->get('/by-name/one')->{status}, 200, 'read') for 1 .. 4;
    my $rows = sub {
        sleep 1.1;    # before that a backend does not tell of its work
        $client->get('/by-name/one');
        return $standby->psql("select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'muster_change'");
    };
    my $before = $rows->();
    my $served = $client->metric('cache_served_total');
    $client->get('/by-name/one') for 1 .. 20;
    cmp_ok($client->metric('cache_served_total') - $served, '>=', 15, 'it comes from the cache');
    cmp_ok($rows->() - $before, '<', 10_000, 'without a look at all changes each time');
    $primary->psql("insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'v', 'string', 'new', 1 from entities where name = 'one'");
    ok(caught_up(), 'a change comes');
    like(value($client, 'one'), qr/new/, 'and is seen');
    $end->();
    $_->stop for $front, $server;
};

# --- writers and readers, and trouble

my $over  = Muster::Process::temp_dir() . '/over';               # is there when all are to end
my @NAMES = map { "s$_" } 0 .. 4;                                # the last is written past us, and past psql's own errors
my $known = Muster::Acknowledged->new(@NAMES);

sub write_ours {
    my ($client, $i) = @_;
    my $done = 0;
    for (my $n = 1; !-e $over; $n++) {
        my $answer = $client->put("/attribute/$NAMES[$i]/n", form => { value => $n, datatype => 'int' });
        $done += $known->note($NAMES[$i], $n) if $answer->{status} == 200;
        sleep 0.02 if $answer->{status} != 200;
    }
    return $done;
}

sub write_past {
    my ($conninfo, $i) = @_;
    my ($in, $out, $pid, $done) = (undef, undef, undef, 0);
    local $SIG{PIPE} = 'IGNORE';
    for (my $n = 1; !-e $over; $n++) {
        $pid //= open2($out, $in, 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', "$primary->{bin}/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $conninfo);
        syswrite $in, "update entity_attrs set int_value = $n where key = 'n' and deleted_at_version is null and entity_id = (select entity_id from entities where name = '$NAMES[$i]');\n\\qecho done\n";
        if ((<$out> // '') eq "done\n") {
            $done += $known->note($NAMES[$i], $n);
            sleep rand 0.01;
            next;
        }
        close $in, waitpid $pid, 0;
        undef $pid;
        sleep 0.05;
    }
    close $in if $pid;
    return $done;
}

sub numbers { return map { $_->{name} => (map { $_->{value} } grep { $_->{key} eq 'n' } @{ $_->{attrs} })[0] // 0 } @_ }

sub read_all {
    my ($client) = @_;
    my ($done, $other, @stale) = (0, 0);
    while (!-e $over) {
        my %least = $known->least;
        my $i     = int rand @NAMES;
        my ($path, $read, @more) = @{ (
            [ "/attribute/$NAMES[$i]/n", sub { ($NAMES[$i] => $_[0][0]{value} // 0) } ],
            [ "/by-name/$NAMES[$i]", sub { numbers($_[0]) } ],
            [ '/from-pools?pool=q', sub { numbers(@{ $_[0] }) }, headers => { 'Clusto-Mode' => 'expanded' } ],
            [ '/entity/basicserver', sub { numbers(@{ $_[0] }) }, headers => { 'Clusto-Mode' => 'expanded', 'Clusto-After' => 0 } ],
        )[ rand 4 ] };
        my $answer = $client->get($path, @more);
        if ($answer->{status} != 200) { $other++; sleep 0.01; next }
        my %got = $read->($answer->{json});
        for (grep { exists $least{$_} } keys %got) {
            push @stale, "$path: $_ was $least{$_}, $got{$_} was read" if $got{$_} < $least{$_};
        }
        $done++;
    }
    return [ $done, $other, @stale ];
}

# One thing after the other happens to the standby; in the middle the primary and the standby change places.
sub change_places {
    my ($old, $new) = @_;
    poll(60 * $SLOW, sub { $old->psql("select count(*) from pg_stat_replication where state = 'streaming'") }) or die 'it does not follow';
    $old->stop;                                                  # sends all it has
    $new->psql('select pg_promote()', fails => 1);                 # recovery may cancel it
    poll(60 * $SLOW, sub { $new->psql('select pg_is_in_recovery()', fails => 1)->{out} =~ /^f/ }) or die 'not promoted';
    $old->{settings} = { %{ $old->{settings} }, primary_conninfo => 'host=' . $new->socket_dir . ' user=postgres' };
    Muster::Process::spew("$old->{dir}/data/standby.signal", '');
    chmod 0644, "$old->{dir}/data/standby.signal";
    $old->start;
    return;
}

my @both = ($primary, $standby);
my @kind = (
    [ paused => sub { $_[0]->psql('select pg_wal_replay_pause()', fails => 1); sleep 0.4; $_[0]->psql('select pg_wal_replay_resume()', fails => 1) } ],
    [ hangs => sub { stop_all($_[0]); sleep 0.4; cont_all($_[0]) } ],
    [ lags => sub { $_[0]->psql('alter system set recovery_min_apply_delay = 30', fails => 1); $_[0]->psql('select pg_reload_conf()', fails => 1); sleep 0.6; $_[0]->psql('alter system reset recovery_min_apply_delay', fails => 1); $_[0]->psql('select pg_reload_conf()', fails => 1) } ],
    [ sessions => sub { $_[0]->psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%'", fails => 1) } ],
    [ killed => sub { $_[0]->stop('kill'); sleep 0.2; $_[0]->start } ],
);

subtest 'writers, readers, trouble' => sub {
    my @hosts   = (hosts('target_session_attrs=read-write', @both), hosts('target_session_attrs=prefer-standby', @both));
    my @servers = map { [ muster(@hosts, workers => 3, cache_size => $_ ? 8 : 0, connect_timeout => 500) ] } 0, 1;
    my $client  = $servers[0][1]->client;
    $client->post('/entity/basicserver', form => [ map { (name => $_) } @NAMES ]);
    $client->post('/entity/pool', form => { name => 'q' });
    $client->post('/entity/pool/q', form => [ action => 'insert', map { (device => $_) } @NAMES ]);
    $client->put("/attribute/$_/n", form => { value => 0, datatype => 'int' }) for @NAMES;
    spared($_->[1]->client, 'a standby is read from') for @servers;
    my $end = time + $SECONDS;
    my ($reads, $checks) = (0, 0);

    # What happens is done here, as the processes belong to this one.
    pipe my $from, my $to or die $!;
    my $pid = fork // die $!;
    if ($pid == 0) {
        close $from;
        my @counts = parallel(9, sub {
            my ($me) = @_;
            srand $SEED + $me;
            my $c = $servers[ $me % 2 ][1]->client;
            return [ write_ours($c, $me) ] if $me < 4;
            return [ write_past($hosts[0], 4) ] if $me == 4;
            return read_all($c);
        }, timeout => $SECONDS + 180);
        print {$to} JSON::PP->new->encode(\@counts);
        close $to;
        POSIX::_exit(0);
    }
    close $to;
    srand $SEED;
    my ($happened, $changed) = (0, 0);
    while (time < $end || !$changed) {
        my ($name, $do) = @{ $kind[ $happened % @kind ] };
        $do->($both[1]);
        $happened++;
        if (!$changed && $happened >= @kind) {
            change_places(@both);
            @both    = reverse @both;
            $changed = 1;
        }
        # Until it serves again, else all would be read from the primary.
        my $before = $client->metric('standby_reads_total') // 0;
        poll(5, sub { ($client->metric('standby_reads_total') // 0) > $before + 20 });
    }
    Muster::Process::spew($over, '');
    my $counts = JSON::PP->new->decode(do { local $/; <$from> });
    waitpid $pid, 0;
    my @died = grep { ref eq 'HASH' } @$counts;
    is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
    my @reads = grep { ref eq 'ARRAY' } @$counts[ 5 .. 8 ];
    my ($done, $other, @stale) = (0, 0);
    for (@reads) { $done += $_->[0]; $other += $_->[1]; push @stale, @$_[ 2 .. $#$_ ] }
    my ($spared, $questions) = map { my $name = $_; eval { my $sum = 0; $sum += $_->[1]->client->metric("standby_$name") for @servers; $sum } } qw(reads_total checks_total);
    diag sprintf 'writes %s; reads compared %d, answered otherwise %d; read from a standby %d by %d questions; trouble %d times',
        join(' ', map { $_->[0] } @$counts[ 0 .. 4 ]), $done, $other, $spared, $questions, $happened;
    is_deeply([ @stale[ 0 .. ($#stale < 9 ? $#stale : 9) ] ], [], 'not one stale response');
    cmp_ok($done, '>', $SECONDS < 30 ? 30 / $SLOW : 10 * $SECONDS / $SLOW, 'many were compared');
    cmp_ok($spared, '>', 0, 'the standby served');
    is($changed, 1, 'the primary and the standby changed places');
    ok(poll(60 * $SLOW, sub { $client->put('/attribute/s0/n', form => { value => 1, datatype => 'int' })->{status} == 200 }), 'and all goes on');
    spared($client, 'a standby is read from') or diag map { "$_\n" }
        map({ $_->psql('select pg_is_in_recovery(), pg_last_wal_replay_lsn(), (select string_agg(p::text, chr(10)) from muster_primary p), (select string_agg(r::text, chr(10)) from pg_stat_wal_receiver r)') } @both),
        $client->get('/__metrics__')->{body} =~ /^(muster_(?:standby|database)_\w+ .*)$/mg, $servers[0][0]->log =~ /^(.*standby.*|.*database.*)$/mg;
    $_->stop for map { @$_[ 1, 0 ] } @servers;
};

$_->stop for reverse @both;
done_testing;
