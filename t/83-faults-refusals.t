# 83-faults-refusals.t: PostgreSQL is there but will not: no connection is left, no writes, no space, no standby
# to confirm a commit; and a standby instead of it.
use v5.24;
use warnings;
use IO::Socket::UNIX ();
use Muster::Census qw(census same_census);
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally write_one);
use Muster::Postgres;
use Muster::Process qw(poll run spew temp_dir);
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on', max_connections => 20, superuser_reserved_connections => 0 });
my $server   = Muster::Server->new(
    postgres => $postgres,
    conf     => { workers => 2, statement_timeout => 1500 * $SLOW, lock_timeout => 1000 * $SLOW, connect_timeout => 2000 },
);
my $front  = Muster::Front->new(server => $server);
my $client = $front->client;
prepare_ledger($client);

my $before = census(server => $server, postgres => $postgres, front => $front, workers => 2);
my $number = 0;
my @entries;
my @kinds = qw(append batch ip make note set);

sub attempt {
    my ($kind) = @_;
    my @entry = write_one($client, $kind, 'refusal' . ++$number, $number % 16);
    push @entries, \@entry;
    ok(!defined $entry[5], 'a failure says when to come back') or diag $entry[5];
    return @entry;
}

sub said { return "$_[3] $_[0]" }

# All kinds of writes are done again soon, everything can be read, and nothing leaked meanwhile.
sub back {
    my ($name) = @_;
    my $begin = time;
    ok(poll(15, sub { $client->get('/by-name/ledger1')->{status} == 200 && (attempt('note'))[0] eq 'acknowledged' }), "$name: back");
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'soon');
    is((attempt($_))[0], 'acknowledged', "$_ is written") for @kinds;
    same_census($before);
    return;
}

sub setting { return $postgres->setting(@_) }

sub throw_out {
    $postgres->psql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'muster%'");
    return;
}

subtest 'no connection is left' => sub {
    my @taken;
    my $take = sub {
        my $socket  = IO::Socket::UNIX->new(Peer => $postgres->socket_dir . '/.s.PGSQL.5432') or return 0;
        my $startup = pack('N', 196608) . join('', map { "$_\0" } user => 'postgres', database => 'muster', application_name => 'taken') . "\0";
        print {$socket} pack('N', 4 + length $startup), $startup;
        $socket->flush;
        sysread $socket, my $answer, 1 or return 0;
        push @taken, $socket if $answer eq 'R';
        return $answer eq 'R';
    };
    1 while $take->();
    cmp_ok(scalar @taken, '>', 10, 'others took all there were');
    is((attempt('note'))[0], 'acknowledged', 'a connected worker goes on');
    # The workers lose theirs to others. No other session can connect to do it: it takes one of those.
    my ($one) = shift @taken;
    print {$one} 'Q' . pack('NZ*', 4 + 1 + length $_, $_) for "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'muster%'";
    $one->flush;
    poll(10, sub { $take->() });
    poll(10, sub { $take->() });
    my @got = map { [ attempt($_) ] } @kinds;
    is_deeply([ map { said(@$_) } @got ], [ ('503 refused') x @kinds ], 'others took theirs too: 503');
    my $read = $client->get('/by-name/ledger1');
    is($read->{status}, 503, 'reads too');
    ok(defined $read->{headers}{'retry-after'}, 'with Retry-After');
    like($server->log, qr/can't connect: .*too many clients/, 'the log says why');
    close $_ for $one, @taken;
    back('connections');
};

subtest 'read only' => sub {
    for my $how ('alter system', 'alter database') {
        if ($how eq 'alter system') { setting(default_transaction_read_only => 'on') }
        else {
            $postgres->psql('alter database muster set default_transaction_read_only = on', database => 'postgres');
            throw_out();
        }
        my $begin = time;
        ok(poll(10, sub { (attempt('note'))[0] eq 'refused' }), "$how: it is noticed");
        for my $kind (@kinds) {
            is(said(attempt($kind)), '503 refused', "$kind: 503");
            my $read = $client->get('/by-name/ledger2');
            is($read->{status}, 200, 'reads go on');
        }
        my $answer = $client->put('/attribute/ledger2/x', form => { value => 1 });
        like($answer->{json}, qr/takes no writes/, 'and the reason is said');
        if ($how eq 'alter system') { setting('default_transaction_read_only') }
        else {
            $postgres->psql('alter database muster reset default_transaction_read_only', database => 'postgres');
            throw_out();
        }
        back($how);
    }
};

subtest 'no standby confirms the commit' => sub {
    setting(synchronous_standby_names => 'nobody');
    my $waiting = "select pid from pg_stat_activity where application_name like 'muster%' and wait_event = 'SyncRep'";
    my %way     = (cancelled => 'pg_cancel_backend(pid)', terminated => 'pg_terminate_backend(pid)');
    for my $kind (@kinds) {
        for my $how (sort keys %way) {
            # One worker waits for the commit, the other ends that.
            my $text = 'sync' . ++$number;
            my ($got, $seen) = parallel(2, sub {
                my ($i) = @_;
                return { entry => [ write_one($front->client, $kind, $text, $number % 16) ] } if $i == 0;
                return { pid => poll(10, sub { $postgres->psql($waiting =~ s/select pid/select pid, $way{$how}/r) }) };
            });
            push @entries, $got->{entry};
            ok($seen->{pid}, "$kind waits");
            is(said(@{ $got->{entry} }), '503 unknown', "its waiting is $how: said to be unknown");
        }
    }
    for my $kind (qw(note set)) {
        my @entry = attempt($kind);
        is(said(@entry), '503 unknown', "$kind: we stop waiting: unknown");
        ok(poll(10, sub { $postgres->psql($waiting) eq '' }), 'and so does the server');
    }
    # The process that serves the writer is killed while COMMIT waits, and PostgreSQL throws all others out: the
    # answer is lost, what was written is not.
    for my $kind (@kinds) {
        my $text = 'killed' . ++$number;
        my $recoveries = sub { return scalar(() = $postgres->log =~ /ready to accept connections/g) };
        my $so_far = $recoveries->();
        my ($got, $seen) = parallel(2, sub {
            my ($i) = @_;
            return { entry => [ write_one($front->client, $kind, $text, $number % 16) ], at => time } if $i == 0;
            my $pid = poll(10, sub { $postgres->psql($waiting) });
            return { killed => $pid ? kill('KILL', $pid) : 0, at => time };
        });
        push @entries, $got->{entry};
        is($seen->{killed}, 1, "$kind: its process in PostgreSQL is killed while it waits");
        is(said(@{ $got->{entry} }), '503 unknown', 'said to be unknown');
        cmp_ok($got->{at} - $seen->{at}, '<', 1.5 * $SLOW, 'at once, not after statement_timeout');
        ok(poll(30, sub { $recoveries->() > $so_far }), 'PostgreSQL recovers');
        ok(poll(15, sub { $client->get('/by-name/clustometa')->{status} == 200 }), 'and is read from');
        is_deeply([ check_ledger($postgres, $got->{entry}) ], [], 'it is there once at most');
        is($postgres->psql("select count(*) from clustoversioning where description = '$text'"), 1, 'the journal had it, so once, although no response could say so') if $kind =~ /note|make|ip/;
        is($postgres->psql($waiting), '', 'and it was not tried again');
    }
    my $log = $server->log;
    like($log, qr/canceling wait for synchronous replication/, 'the log has the warning');
    setting('synchronous_standby_names');
    back('without a standby');
};

# A file system of its own, small, where we may make one.
my @mounts;
sub small_disk {
    my ($mib) = @_;
    my $dir = temp_dir();
    return undef if $> != 0 || run([ 'mount', '-t', 'tmpfs', '-o', "size=${mib}m,mode=0755", 'none', $dir ])->{status} != 0;
    push @mounts, $dir;
    run([ 'chown', 'postgres', $dir ]);
    return $dir;
}
sub fill {
    my ($dir, $leave) = @_;
    open my $out, '>:raw', "$dir/filler" or die $!;
    my $piece = "\0" x 4096;
    1 while syswrite $out, $piece;
    truncate $out, (-s $out) - $leave if $leave;
    close $out;
    return;
}
END { run([ 'umount', '-l', $_ ]) for @mounts }

subtest 'no space for tables' => sub {
    $client->put('/preferences/large', headers => { 'X-User-Id' => 'full' }, json => {});
    my $dir = small_disk(4);
    my @free;
    if ($dir) {
        $postgres->psql("create tablespace small location '$dir'");
        $postgres->psql("alter table $_ set tablespace small") for qw(entity_attrs entities muster_preferences);
        fill($dir);
        @free = sub { unlink "$dir/filler" };
    }
    else {
        note 'no file system can be mounted here: triggers report 53100 instead';
        $postgres->psql(q{create function full_disk() returns trigger language plpgsql as
            $$ begin raise 'could not extend file: No space left on device' using errcode = '53100'; end $$});
        $postgres->psql("create trigger full_disk before insert or update on $_ execute function full_disk()") for qw(entity_attrs entities muster_preferences);
        @free = sub { $postgres->psql('drop function full_disk() cascade') };
    }
    my $large = join '', map { sprintf '%04x', rand 65536 } 1 .. 4000;
    my %ask = (
        'an attribute'  => sub { $client->post('/attribute/ledger3', form => { key => 'large', value => $large . $number++ }) },
        'a preference'  => sub { $client->put('/preferences/large' . $number++, headers => { 'X-User-Id' => 'full' }, json => { large => $large }) },
        'a patched one' => sub { $client->patch('/preferences/large', headers => { 'X-User-Id' => 'full' }, type => 'application/json-patch+json',
            body => qq([{"op": "add", "path": "/n${\ $number++}", "value": "$large"}])) },
        'objects' => sub { $client->post('/entity/basicserver', form => [ map { (name => "full" . $number++) } 1 .. 400 ]) },
    );
    for my $what (sort keys %ask) {
        my $answer;
        # Pages that are there already take a little.
        poll(20, sub { $answer = $ask{$what}->(); $answer->{status} >= 300 });
        is($answer->{status}, 507, "$what: 507") or diag substr $answer->{body}, 0, 200;
        like($answer->{json}, qr/no space left/, 'it says why');
        is($client->get('/by-name/ledger1')->{status}, 200, 'what is there can be read');
    }
    $_->() for @free;
    for my $what (sort keys %ask) {
        my $answer = $ask{$what}->();
        like($answer->{status}, qr/^20/, "with space again: $what is written") or diag substr $answer->{body}, 0, 200;
    }
    back('space');
    if ($dir) {
        $postgres->psql("alter table $_ set tablespace pg_default") for qw(entity_attrs entities muster_preferences);
        $postgres->psql('drop tablespace small');
    }
};

# Without space for its journal PostgreSQL gives itself up, and does not start before there is some.
subtest 'no space for the journal' => sub {
    my $dir = small_disk(48) // plan skip_all => 'no file system can be mounted here';
    my $wal = "$postgres->{dir}/data/pg_wal";
    my $move = sub {
        my ($from, $to) = @_;
        $postgres->stop('fast');
        run([ 'cp', '-aT', $from, $to ])->{status} == 0 or die "cp to $to";
        return;
    };
    $postgres->psql('checkpoint');
    $move->($wal, "$dir/wal");
    rename $wal, "$wal.before" or die $!;
    symlink "$dir/wal", $wal or die $!;
    $postgres->start;
    back('on a small disk');
    my $load = Muster::Ledger->begin(4, sub { $front->client }, name => 'full');
    ok($load->more(acknowledged => 20), 'all is well');
    fill($dir);
    ok(poll(30, sub { $postgres->psql('select pg_switch_wal()', fails => 1); $postgres->log =~ /PANIC:.*No space left/ }), 'PostgreSQL gives itself up');
    ok($load->more(refused => 4), 'what is asked meanwhile is refused');
    is($client->get('/__version__')->{status}, 200, 'the server is there');
    ok(defined $postgres->{process}->wait(20), 'and does not come back');
    unlink "$dir/filler";
    $postgres->start;
    ok(poll(20, sub { $client->get('/by-name/ledger1')->{status} == 200 }), 'with space, and PostgreSQL started again, all goes on');
    ok($load->more(acknowledged => 20), 'also for those who tried again and again');
    my @more = $load->end;
    diag 'full: ', join ', ', tally(@more);
    cmp_ok(scalar(grep { $_->[0] eq 'refused' } @more), '>', 0, 'some were refused');
    is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
    push @entries, @more;
    back('space');
    run([ 'rm', '-rf', "$wal.before" ]);
    $postgres->psql('checkpoint');
    $move->("$dir/wal", "$wal.after");
    unlink $wal;
    rename "$wal.after", $wal or die $!;
    $postgres->start;
    back('on its own disk');
};

is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');

subtest 'a standby' => sub {
    my $standby = Muster::Postgres->standby_of($postgres);
    my $reader  = Muster::Server->new(postgres => $standby, schema => 0, conf => { workers => 2 });
    my $door    = Muster::Front->new(server => $reader);
    my $ask     = $door->client;
    my $replayed = sub {
        my $at = $postgres->psql('select pg_current_wal_lsn()');
        ok(poll(20, sub { $standby->psql("select pg_last_wal_replay_lsn() >= '$at'") eq 't' }), 'the standby is as far');
    };
    my $attr = sub {
        my ($name) = @_;
        my $answer = $ask->get("/attribute/$name/lag");
        return $answer->{status} == 200 ? join(',', map { $_->{value} } @{ $answer->{json} }) : $answer->{status};
    };
    is($ask->get('/by-name/ledger1')->{status}, 200, 'it is read from') for 1 .. 3;
    for my $write ([ put => '/attribute/ledger1/lag', form => { value => 1 } ], [ post => '/entity/pool', form => { name => 'no' } ],
        [ post => '/resourcemanager/ipmanager/ledgerips', form => { object => 'ledger1' } ],
        [ post => '/preferences/no', headers => { 'X-User-Id' => 'u' }, json => {} ]) {
        my ($method, @rest) = @$write;
        my $answer = $ask->$method(@rest);
        is($answer->{status}, 503, "$method $rest[0]: 503") or diag $answer->{body};
        like($answer->{json}, qr/takes no writes/, 'and the reason is said');
    }
    # Transactions that end in another order than they began: answers that were kept between are not old.
    for my $round (1 .. 3) {
        my @open = map {
            $postgres->begin("insert into entity_attrs (entity_id, key, datatype, string_value, version)
                select entity_id, 'lag', 'string', 'r$round-$_', 1 from entities where name = 'ledger$_'") // die 'not begun';
        } 1 .. 3;
        for my $i (3, 2, 1) {
            $open[ $i - 1 ]->('commit');
            $replayed->();
            like($attr->("ledger$i"), qr/r$round-$i\z/, "round $round: $i is seen as soon as it is there");
            unlike($attr->("ledger$_"), qr/r$round-$_\z/, "$_ is not there yet") for 1 .. $i - 1;
        }
    }
    $postgres->stop('fast');
    $standby->psql('select pg_promote(true, 30)');
    my $begin = time;
    my $answer;
    ok(poll(15, sub { $answer = $ask->put('/attribute/ledger5/lag', form => { value => 'promoted' }); $answer->{status} == 200 }), 'promoted: it is written to')
        or diag $answer->{status}, $answer->{body};
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'soon');
    is($attr->('ledger5'), 'promoted', 'and what is written is read');
    $_->stop for $door, $reader, $standby;
};

$_->stop for $front, $server;
done_testing;
