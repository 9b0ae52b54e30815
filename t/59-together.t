# 59-together.t: reads that wait at the same time go to the database in one packet: each gets its own
# response, the same as alone, also when something happens to one of them, or to all.
use v5.24;
use warnings;
use IO::Select ();
use JSON::PP ();
use Muster::Client qw(form_encode);
use Muster::Data;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll slurp);
use Muster::Server;
use Test::More;

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $postgres = Muster::Postgres->new;
my ($server, $front, $client, $worker, @idle);

# With one worker, so that all wait for the same; others are to be idle.
sub begin {
    my (%conf) = @_;
    $server = Muster::Server->new(postgres => $postgres, conf => { workers => 1, cache_size => 0, %conf }, start => 0);
    Muster::Data::load_example($postgres) unless state $loaded++;
    $server->start;
    $front    = Muster::Front->new(server => $server);
    $client   = $front->client;
    ($worker, @idle) = $server->workers($conf{workers} // 1);
    return;
}

sub end {
    $front->stop;
    $server->stop;
    return;
}

# Connections to the server's socket that are accepted or wait for that.
sub waiting { return -1 + (() = slurp('/proc/net/unix') =~ /^.* \Q${\$server->socket}\E$/mg) }

# The bytes of a request: method, path, header => value ...; a form for what is no GET or HEAD.
sub bytes {
    my ($method, $path, %header) = @_;
    my $form = delete $header{form};
    my $body = $form ? form_encode($form) : '';
    $header{'Content-Length'} = length $body if $form;
    $header{'Content-Type'}   = 'application/x-www-form-urlencoded' if $form;
    return "$method $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . join('', map { "$_: $header{$_}\r\n" } sort keys %header) . "\r\n$body";
}

# Sends these requests in this order while the worker can't take any, runs $before->(), lets it go on.
# Returns a function for the i-th response.
sub send_at_once {
    my ($requests, $before) = @_;
    my @sockets;
    kill 'STOP', $worker;
    for my $request (@$requests) {
        push @sockets, my $socket = $client->connect;
        print {$socket} bytes(@$request);
        $socket->flush;
        my $n = @sockets;
        poll(10, sub { waiting() >= $n }) or diag "request $n does not wait: " . waiting();
    }
    $before->() if $before;
    kill 'CONT', $worker;
    return sub {
        my ($i) = @_;
        my $text = '';
        my $end  = time + 40 * $SLOW;
        my $more = IO::Select->new($sockets[$i]);
        1 while $more->can_read($end - time) && sysread $sockets[$i], $text, 65536, length $text;
        my ($head, $body) = split /\r\n\r\n/, $text, 2;
        my ($status) = ($head // '') =~ m{\AHTTP/1\.1 (\d+)};
        my %header = ($head // '') =~ /^(ETag|Content-Type|Content-Length|Clusto-Minify|Cache-Control): (.*?)\r?$/mgi;
        return { status => $status // 0, body => $body // '', header => \%header };
    };
}

# Their responses, in order.
sub at_once {
    my $answer = send_at_once(\@_);
    return map { $answer->($_) } 0 .. $#_;
}

sub together { return $client->get('/__metrics__')->{body} =~ /^muster_reads_together_total (\d+)$/m ? $1 : die 'no such metric' }

sub document { my ($user) = @_; return { whose => $user, list => [ 1, $user ], deep => { er => "of $user" } } }

my @users = map { "user$_" } 1 .. 5;

sub write_documents {
    for my $user (@users) {
        my $status = $client->request(PUT => '/preferences/settings', json => document($user), headers => { 'X-User-Id' => $user })->{status};
        is($status, 201, "a document of $user");
    }
    return;
}

my @reads = (
    [ GET  => '/by-name/testserver1' ],
    [ GET  => '/by-name/testserver2' ],
    [ GET  => '/by-name/testserver2', 'Clusto-Mode'   => 'compact' ],
    [ GET  => '/by-name/nobody' ],
    [ GET  => '/by-name/testserver1', 'Clusto-Mode'   => 'sideways' ],
    [ GET  => '/by-name/testserver1', 'Clusto-Minify' => 'True' ],
    [ GET  => '/by-name/testserver1?driver=pool' ],
    [ GET  => '/entity/basicserver/testserver1' ],
    [ GET  => '/entity/pool/singlepool' ],
    [ GET  => '/entity/nodriver/testserver1' ],
    [ GET  => '/attribute/testserver1' ],
    [ GET  => '/attribute/testserver1/key1' ],
    [ GET  => '/attribute/testserver1/key1/subkey1/abc' ],
    [ HEAD => '/by-name/testserver1' ],
    [ GET  => '/by-attr?key=key1' ],
    [ GET  => '/entity/basicserver', 'Clusto-Mode' => 'expanded' ],
    [ GET  => '/no/such/path' ],
    [ GET  => '/driverlist' ],
    (map { [ GET => '/preferences/settings', 'X-User-Id' => $_ ] } @users),
    [ GET => '/preferences/settings/deep/er', 'X-User-Id' => 'user1' ],
    [ GET => '/preferences/settings/whose',   'X-User-Id' => 'user2' ],
    [ GET => '/preferences/settings/nothing', 'X-User-Id' => 'user1' ],
    [ GET => '/preferences/none',             'X-User-Id' => 'user1' ],
    [ GET => '/preferences/settings', 'X-User-Id' => 'nobody' ],
    [ GET => '/preferences/settings' ],
    [ GET => '/preferences/settings', 'X-User-Id' => 'user1', 'If-None-Match' => '*' ],
    [ GET => '/preferences/settings', 'X-User-Id' => 'user1', 'If-Match' => '"0"' ],
);

begin();
write_documents();

subtest 'each as alone, in any order' => sub {
    my @alone  = map { (at_once($_))[0] } @reads;
    my $before = together();
    is((scalar grep { $_->{status} == 200 } @alone), 19, 'most of these are found') or diag join ' ', map { $_->{status} } @alone;
    like($alone[18 + $_]{body}, qr/"of $users[$_]"/, "the right document of $users[$_]") for 0 .. $#users;
    srand 4711;
    for my $round (1 .. 8) {
        my @order   = sort { rand() <=> 0.5 } 0 .. $#reads;
        my @answers = at_once(@reads[@order]);
        is_deeply($answers[$_], $alone[ $order[$_] ], "round $round: @{$reads[$order[$_]]}") for 0 .. $#order;
    }
    cmp_ok(together() - $before, '>', 40, 'many of them went together');
};

subtest 'up to eight' => sub {
    for my $n (2 .. 17) {
        my $before = together();
        my @answers = at_once(map { [ GET => '/by-name/testserver' . (1 + $_ % 2), 'Clusto-Mode' => 'compact' ] } 1 .. $n);
        is_deeply([ map { $_->{body} } @answers ], [ map { '"/basicserver/testserver' . (1 + $_ % 2) . '"' } 1 .. $n ], "$n at once");
        is(together() - $before, $n - ($n % 8 == 1), "of $n, all that had company");
    }
    my $before = together();
    at_once($reads[0]);
    is(together() - $before, 0, 'one is alone');
    at_once($reads[0], $_) for [ GET => '/no/such/path' ], [ GET => '/driverlist' ], [ PUT => '/attribute/testserver1/beside', form => { value => 1 } ];
    is(together() - $before, 0, 'also beside others that are no quick reads');
};

subtest 'writes between them' => sub {
    for my $i (1 .. 5) {
        my @answers = at_once(
            [ GET => '/attribute/testserver1/turn' ],
            [ GET => '/by-name/testserver1' ],
            [ PUT => '/attribute/testserver1/turn', form => { value => "turn$i" } ],
            [ GET => '/attribute/testserver1/turn' ],
            [ POST => '/preferences/settings/turn', 'X-User-Id' => 'user1', form => {} ],
            [ GET => '/by-name/testserver1' ],
        );
        is_deeply([ map { $_->{status} } @answers[ 0 .. 3, 5 ] ], [ (200) x 5 ], 'all are answered');
        like($answers[$_]{body}, qr/"turn$i"/, "what came after a write sees it") for 3, 5;
        unlike($answers[$_]{body}, qr/"turn$i"/, "what came before does not") for 0, 1;
    }
};
end();

# Somebody holds the objects; a function that lets them go.
sub hold { return $postgres->hold('lock table entities in access exclusive mode') // die 'no lock' }

my @four = ([ GET => '/by-name/testserver1' ], (map { [ GET => '/preferences/settings', 'X-User-Id' => $_ ] } @users[ 0, 1 ]), [ GET => '/attribute/testserver2' ]);
my $blocked = "from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'muster%'";

begin(lock_timeout => 1000 * $SLOW);
my @right = map { (at_once($_))[0] } @four;

subtest 'one waits in vain' => sub {
    my $release;
    my $before = together();
    my $answer = send_at_once([@four], sub { $release = hold() });
    is($answer->(0)->{status}, 503, 'it is told so');
    is_deeply($answer->($_), $right[$_], 'its neighbours wait for nothing') for 1, 2;
    $release->();
    is_deeply($answer->(3), $right[3], 'who would have waited, too, goes on');
    is(together() - $before, 4, 'they were asked together');
    is_deeply([ at_once(@four) ], \@right, 'afterwards all is well');
};

subtest 'all would wait for the same' => sub {
    my $release;
    my $answer = send_at_once([ map { [ GET => '/by-name/testserver' . (1 + $_ % 2) ] } 1 .. 8 ], sub { $release = hold() });
    my $begin  = time;
    is_deeply([ map { $answer->($_)->{status} } 0 .. 7 ], [ (503) x 8 ], 'in vain');
    cmp_ok(time - $begin, '<', 4 * $SLOW, 'but for one time-out, not for eight');
    like($server->log, qr/^\S+ \d+ warning: \[[0-9a-f-]+\] database: object_by_name: 55P03/m, 'whose it was is in the log');
    $release->();
    is_deeply([ at_once(@four) ], \@right, 'afterwards all is well');
};

subtest 'the database was restarted between requests' => sub {
    $postgres->restart;
    is_deeply([ at_once(@four) ], \@right, 'no client notices');
};

subtest 'the connection dies' => sub {
    my $release;
    my $answer = send_at_once([@four], sub { $release = hold() });
    ok(poll(10, sub { $postgres->psql("select count(*) $blocked") }), 'they wait');
    $postgres->psql("select pg_terminate_backend(pid) $blocked");
    is($answer->(0)->{status}, 503, 'what was running may have been the cause: it is not sent again');
    $release->();
    is_deeply([ map { $answer->($_) } 1 .. 3 ], [ @right[1 .. 3] ], 'the others are asked again');
};

subtest 'the connection dies under a single read, after a pause too' => sub {
    my $ours = "from pg_stat_activity where application_name like 'muster%'";
    for my $pause (0, 1.2) {
        my $release;
        ok(poll(10, sub { $postgres->psql("select count(*) $ours and state_change < now() - interval '$pause s'") }), "silent for $pause s");
        my $answer = send_at_once([ $four[0] ], sub { $release = hold() });
        ok(poll(10, sub { $postgres->psql("select count(*) $blocked and query_start < now() - interval '200 ms'") }), 'it waits');
        $postgres->psql("select pg_terminate_backend(pid) $blocked");
        is($answer->(0)->{status}, 503, 'it is not sent again');
        is($postgres->psql("select count(*) $blocked"), 0, 'nor waits again');
        $release->();
        is_deeply([ at_once($four[0]) ], [ $right[0] ], 'afterwards all is well');
    }
};

subtest 'the database is unreachable' => sub {
    $postgres->stop;
    is_deeply([ map { $_->{status} } at_once(@four) ], [ (503) x 4 ], 'all are told so');
    $postgres->start;
    my $answers;
    ok(poll(20, sub { $answers = [ at_once(@four) ]; $answers->[0]{status} == 200 }), 'it is back');
    is_deeply($answers, \@right, 'all is well');
};
end();

subtest 'with the cache, nothing old' => sub {
    begin(cache_size => 8);
    for my $i (1 .. 5) {
        is_deeply([ map { $_->{status} } at_once(@four) ], [ (200) x 4 ], 'read, and kept');
        my @answers = at_once(@four, [ PUT => '/attribute/testserver2/again', form => { value => "v$i" } ], @four);
        like($answers[8]{body}, qr/"v$i"/, 'after a write in the same batch');
        like((at_once(@four))[3]{body}, qr/"v$i"/, 'and later');
    }
    my @many = map { [ GET => '/attribute/testserver2?' . join '&', ('driver=entity') x $_ ] } 1 .. 15;
    for my $i (1 .. 3) {
        at_once([ PUT => '/attribute/testserver2/again', form => { value => "w$i" } ]);
        is((scalar grep { $_->{body} =~ /"w$i"/ } at_once(@many)), 15, 'fifteen kept ones that are not current any more');
    }
    end();
};

subtest 'a worker that is replaced after three' => sub {
    begin(max_requests => 3);
    for (1 .. 5) {
        ($worker) = $server->workers(1);
        is_deeply([ at_once((@four[ 0 .. 2 ]) x 4) ], [ (@right[ 0 .. 2 ]) x 4 ], 'all are answered');
    }
    end();
};

subtest 'as long as no other worker could' => sub {
    begin(workers => 2);
    kill 'STOP', @idle;
    is_deeply([ map { $_->{status} } at_once(@four) ], [ (200) x 4 ], 'answered');
    kill 'CONT', @idle;
    my $processors = () = slurp('/proc/cpuinfo') =~ /^processor/mg;
    is(together(), $processors > 1 ? 0 : 4, "of $processors processors and two workers");
    end();
};

subtest 'where each read has a name, each goes alone' => sub {
    begin(tag_reads => JSON::PP::true);
    is_deeply([ map { $_->{status} } at_once(@four) ], [ (200) x 4 ], 'answered');
    is(together(), 0, 'one by one');
    end();
};

done_testing();
