# 15-demo.t: contrib/demo starts, answers, keeps its data, ends, and says what is wrong.
use v5.24;
use warnings;
use Test::More;
use Muster::Client;
use Muster::Process qw(build_dir free_port gone http_up poll run slurp source_dir spew temp_dir);

my $demo = source_dir() . '/contrib/demo';
my $base = temp_dir();
# PostgreSQL's user can't get here under root: the demo has to cope, as in /root.
chmod 0700, $base or die "$base: $!";
# What is tested is this build, not another one.
$ENV{MUSTER_BUILD_DIR} = build_dir();

# The port is free again a moment later; where somebody was faster the demo says so, and it is tried
# with another one.
sub start {
    my ($dir, @args) = @_;
    for my $try (1 .. 3) {
        my $port    = free_port();
        my $out     = "$base/out" . ++state $n;
        my $process = Muster::Process->start([ $demo, '--port', $port, '--dir', $dir, @args ], out => $out, cwd => $base);
        poll(120, sub { slurp($out) =~ /^ready/m || !$process->alive });
        next if slurp($out) =~ /in use/ && $try < 3;
        return ($process, $port, slurp($out));
    }
}

sub ends {
    my ($process, $signal, $port, $name) = @_;
    my @others = map { ($_, Muster::Process::children_of($_)) } $process->children;
    cmp_ok scalar @others, '>=', 3, "$name: PostgreSQL, muster and a front server run";
    is $process->stop($signal, 40), 0, "$name: ends on $signal";
    ok !http_up($port), "$name: nothing answers";
    ok poll(10, sub { gone(@others) }), "$name: nothing is left running"
        or diag run([ 'ps', '-fp', join ',', @others ])->{out};
    return;
}

sub psql {
    my ($dir, $sql) = @_;
    my ($bin) = reverse sort glob '/usr/lib/postgresql/*/bin';
    my $result = run([ ($bin ? "$bin/psql" : 'psql'), '-XqAt', '-h', "$dir/pg", '-d', 'muster', '-c', $sql ]);
    return $result->{out} =~ s/\n\z//r;
}

subtest 'a whole life' => sub {
    my $dir = "$base/data";
    my ($process, $port, $said) = start($dir);
    like $said, qr{^ready http://127\.0\.0\.1:$port/$}m, 'ready' or diag $said;
    my ($try) = $said =~ m{curl (http://\S+)};
    ok $try, 'says what to try';
    my $client = Muster::Client->new(port => $port);
    is $client->get($try =~ s{^http://[^/]+}{}r)->{status}, 200, 'which works';
    like $said, qr{^demo: the page: http://127\.0\.0\.1:$port/ui/$}m, 'and where the page is';
    like $client->get('/ui/object/testserver1')->{body}, qr{<script type="module" src="/ui/main\.js">}, 'which is there';
    is_deeply $client->get('/entity/')->{json},
        [qw(/clustometa/clustometa /pool/emptypool /pool/singlepool /pool/multipool /basicserver/testserver1
            /basicserver/testserver2 /simpleentitynamemanager/testnames)], 'the example inventory';
    ok -S "$dir/pg/.s.PGSQL.5432", 'socket in DIR/pg';
    ok -f "$dir/muster.conf", 'DIR/muster.conf';
    ok poll(5, sub { -s "$dir/log/$_" }), "DIR/log/$_" for qw(muster.log postgres.log nginx.access.log);
    is psql($dir, "select count(*) from entities where name = 'testserver1'"), 1, 'psql without more ado';
    is psql($dir, "insert into entities(name, type, driver, version) values ('mine', 'pool', 'pool', 1) returning name"),
        'mine', 'something of our own';

    my $other = run([ $demo, '--port', free_port(), '--dir', $dir ]);
    isnt $other->{status}, 0, 'a second one on the same directory is refused';
    like $other->{err}, qr/another demo runs in/, 'and says why';
    $other = run([ $demo, '--port', $port, '--dir', "$base/never" ]);
    isnt $other->{status}, 0, 'a taken port is refused';
    like $other->{err}, qr/port $port .*in use/, 'and says why';
    ok !-e "$base/never", 'and leaves nothing';
    is $client->get('/__version__')->{status}, 200, 'the first one is not disturbed';
    ends($process, 'INT', $port, 'nginx');

    # Again, with lighttpd in front, with two workers and settings of our own.
    my $conf = spew("$base/own.conf", "expanded_type = true;\n");
    ($process, $port, $said) = start($dir, '--front', 'lighttpd', '--workers', 3, '--conf', $conf);
    like $said, qr{^ready}m, 'ready behind lighttpd' or diag $said;
    $client = Muster::Client->new(port => $port);
    is $client->get('/by-name/mine')->{json}{type}, 'pool', 'data stay, and the settings of FILE hold';
    is scalar @{ $client->get('/entity/')->{json} }, 8, 'the example is loaded once';
    like slurp("$dir/muster.conf"), qr/^workers = 3;$/m, 'the number of workers';
    like $client->get('/__version__')->{headers}{server}, qr/lighttpd/, 'lighttpd it is';
    ends($process, 'TERM', $port, 'lighttpd');

    # Once more, with nothing but preferences.
    ($process, $port, $said) = start($dir, '--conf', source_dir() . '/etc/preferences-only.conf');
    like $said, qr{^ready}m, 'ready with preferences at /' or diag $said;
    like $said, qr{curl -H X-User-Id:username http://127\.0\.0\.1:$port/$}m, 'says what to try';
    $client = Muster::Client->new(port => $port, headers => { 'X-User-Id' => 'username' });
    is $client->post('/defaults')->{status}, 204, 'a container is made';
    is_deeply $client->get('/')->{json}, ['defaults'], 'and is there';
    ends($process, 'TERM', $port, 'preferences');

    # And with a configuration that allows nothing.
    for my $more ('', "monitor_networks = ( );\n") {
        my $conf = spew("$base/hardened.conf", slurp(source_dir() . '/etc/hardened.conf') =~ s/^monitor_networks.*\n//mr . ($more || qq(monitor_networks = ( "127.0.0.0/8" );\n)));
        ($process, $port, $said) = start($dir, '--conf', $conf);
        like $said, qr{^ready}m, 'ready with hardened.conf' . ($more ? ', monitored from nowhere' : '') or diag $said;
        like $said, qr{try: curl http://127\.0\.0\.1:$port/__live__ .*access in \Q$conf\E}, 'says that the rest needs a role';
        is(Muster::Client->new(port => $port)->get('/entity/')->{status}, 401, 'as it does');
        ends($process, 'TERM', $port, 'hardened');
    }

    # What fails shows what this run wrote, nothing older.
    spew("$dir/log/muster.log", "a line of an earlier run\n" x 3);
    my $nowhere = spew("$base/nowhere.conf", qq(database = "host=$base/nowhere dbname=muster";\n));
    ($process, undef, $said) = start($dir, '--conf', $nowhere);
    is $process->wait(40), 1, 'a database that is not there ends it';
    like $said, qr{\Q$base\E/nowhere}, 'with the reason from the log';
    unlike $said, qr/earlier run/, 'and not with lines of earlier runs';
};

subtest 'a standby' => sub {
    my $dir = "$base/two";
    for my $time ('made', 'made anew') {
        my ($process, $port, $said) = start($dir, '--standby', '--workers', 2);
        like $said, qr{^ready}m, "ready, the standby is $time" or diag $said, slurp("$dir/log/standby.log");
        my $client = Muster::Client->new(port => $port);
        is psql($dir, 'select count(*) from pg_stat_replication'), 1, 'it follows';
        is run([ ((reverse sort glob '/usr/lib/postgresql/*/bin')[0] . '/psql'), '-XqAt', '-h', "$dir/standby", '-U', 'postgres', '-d', 'muster', '-c', 'select pg_is_in_recovery()' ])->{out}, "t\n", 'psql gets to it';
        ok poll(30, sub {
            $client->put('/attribute/testserver1/n', form => { value => ++state $n });
            is($client->get('/attribute/testserver1/n')->{json}[0]{value}, $n, 'what was written is read') or return 1;
            return $client->metric('standby_reads_total') > 0;
        }), 'and the standby serves reads';
        ends($process, 'TERM', $port, 'standby');
    }
};

subtest 'after a hard end' => sub {
    my $dir = "$base/hard";
    my ($process, $port, $said) = start($dir, '--empty');
    like $said, qr{^ready}m, 'ready' or diag $said;
    is_deeply(Muster::Client->new(port => $port)->get('/entity/')->{json}, ['/clustometa/clustometa'], 'empty');
    my @children = $process->children;
    $process->stop('KILL');
    # Our own port may be tried again only when the orphans have gone, which they do by themselves.
    ok poll(30, sub { !http_up($port) }), 'what it started ends by itself';
    spew("$dir/pg/data/postmaster.pid", "$$\n/nowhere\n1\n5432\n/nowhere\n\n0 0\nready\n")
        if poll(20, sub { gone(@children) });
    ($process, $port, $said) = start($dir, '--empty');
    like $said, qr{^ready}m, 'starts again, whatever lies about' or diag $said, slurp("$dir/log/postgres.log");
    my ($web) = grep { slurp("/proc/$_/cmdline") =~ /nginx/ } $process->children;
    kill 'TERM', $web;
    is $process->wait(40), 1, 'ends when one of the three ends';
};

subtest 'bad arguments' => sub {
    my $dir = "$base/bad";
    for my $case (
        [ ['--nonsense'],            qr/unknown argument "--nonsense"/ ],
        [ ['stray'],                 qr/unknown argument "stray"/ ],
        [ [ '--port', '0' ],         qr/"0" is not a port/ ],
        [ [ '--port', '65536' ],     qr/"65536" is not a port/ ],
        [ [ '--port', 'http' ],      qr/"http" is not a port/ ],
        [ ['--port'],                qr/--port needs a value/ ],
        [ [ '--front', 'apache' ],   qr/"apache" is not a front server/ ],
        [ [ '--workers', 'many' ],   qr/"many" is not a number of workers/ ],
        [ [ '--conf', "$base/nil" ], qr/"\Q$base\E\/nil" is not a file/ ],
    ) {
        my ($args, $says) = @$case;
        my $result = run([ $demo, '--dir', $dir, @$args ], cwd => $base);
        is $result->{status}, 2, "@$args: refused";
        like $result->{err}, $says, '... and why';
    }
    ok !-e $dir, 'nothing was made';
    is run([ $demo, '--help' ])->{status}, 0, '--help';

    my $wrong = spew("$base/wrong.conf", "no_such_setting = 1;\n");
    my ($process, undef, $said) = start("$base/wrong", '--conf', $wrong);
    is $process->wait(40), 1, 'a setting that there is not ends it';
    like $said, qr/no_such_setting/, 'by name';
    ok !$process->children, 'nothing is left running';
};

done_testing;
