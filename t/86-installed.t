#!/usr/bin/perl
# 86-installed.t: what make install puts in place, and the samples as doc/install.rst installs them on Debian.
use v5.24;
use warnings;
use IO::Socket::IP ();
use Muster::Client;
use Muster::Data;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(build_dir poll run slurp source_dir spew temp_dir which);
use Muster::Server;
use Test::More;

# --- make install, with paths of our own

subtest 'the samples name the paths that configure was given' => sub {
    plan skip_all => 'no Makefile in the build directory' unless -f build_dir() . '/Makefile';
    my $to = temp_dir();
    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
    my $made = run([ 'make', '-s', '-C', build_dir(), 'install', "DESTDIR=$to", 'prefix=/opt/m', 'sysconfdir=/opt/etc' ], timeout => 120);
    is($made->{status}, 0, 'make install') or diag $made->{out}, $made->{err};
    my ($examples) = glob "$to/opt/m/share/doc/*/examples";
    ok(-f "$to/opt/etc/muster/muster.conf", 'muster.conf is in sysconfdir');
    for my $path (glob source_dir() . '/etc/*') {
        my ($name) = $path =~ m{([^/]+)$};
        next if $name =~ /\.sql$|^openapi\.json$/; # compiled in
        my $text = slurp("$examples/$name");
        ok(length $text, "$name is installed");
        ok($text !~ m{/usr/sbin/muster|/usr/share/muster|(?<!/opt)/etc/muster[/ "]}, "$name: no path of another installation");
        ok($text =~ s{/opt/m/sbin/muster}{/usr/sbin/muster}gr =~ s{/opt/etc/muster}{/etc/muster}gr =~ s{/opt/m/share/muster}{/usr/share/muster}gr eq slurp($path), "$name: nothing else differs");
    }
    is(slurp("$to/opt/m/share/muster/www/ui/$_"), slurp(build_dir() . "/share/www/ui/$_"), "the page: $_ is what t/72-page.t tries") for qw(index.html main.js style.css);
    my $unit = slurp("$examples/muster.service");
    my ($start) = $unit =~ m{^ExecStart=(/opt/m/sbin/muster -c /opt/etc/muster/muster\.conf) -f$}m;
    ok(defined $start, 'the unit starts what was installed');
    my @reload = $unit =~ m{^ExecReload=(.*)}mg;
    is_deeply(\@reload, [ "$start -t", '/bin/kill -HUP $MAINPID' ], 'and checks the same configuration before a reload');
    my $again = run([ 'make', '-s', '-C', build_dir(), 'uninstall', "DESTDIR=$to", 'prefix=/opt/m', 'sysconfdir=/opt/etc' ], timeout => 120);
    is($again->{status}, 0, 'make uninstall') or diag $again->{err};
    is(run([ 'find', $to, '-type', 'f' ])->{out}, '', 'leaves no file');
};

# --- a log that is rotated

SKIP: {
    my $logrotate = which('logrotate') or skip 'logrotate is not installed (Debian: logrotate)', 1;
    subtest 'the sample of logrotate' => sub {
        my $dir    = temp_dir();
        my $log    = "$dir/muster.log";
        my $muster = Muster::Server->new(schema => 0, conf => { log_destination => $log, pid_file => "$dir/pid", database => "host=$dir dbname=none" });
        my $text   = slurp(source_dir() . '/etc/logrotate');
        ok($text =~ s{/var/log/muster/muster\.log}{$log}g == 2, 'names the log twice, in a comment and as a rule');
        ok($text =~ s{^ *systemctl kill .*}{kill -USR1 "\$(cat $dir/pid)"}m, 'signals the supervisor');
        my ($user, $group) = (scalar getpwuid $>, scalar getgrgid $) + 0);
        ok($text =~ s{create 0640 muster adm}{create 0640 $user $group}, 'makes the new file for the user muster');
        my $conf = spew("$dir/logrotate.conf", $text);
        chmod 0644, $conf;
        ok(poll(10, sub { slurp($log) =~ /\S/ }), 'there is a log');
        my $before = slurp($log);
        my $result = run([ $logrotate, '--force', '--state', "$dir/state", $conf ]);
        is($result->{status}, 0, 'logrotate is content') or diag $result->{out}, $result->{err};
        is(substr(slurp("$log.1"), 0, length $before), $before, 'the old log has another name');
        my $seen = length slurp("$log.1");
        $muster->signal('HUP');
        ok(poll(10, sub { -s $log }), 'what comes next goes into the new one');
        is((stat $log)[2] & 07777, 0640, 'which not everybody can read');
        is(length slurp("$log.1"), $seen, 'and not into the old one');
        $muster->stop;
    };
}

# --- spawn-fcgi

SKIP: {
    my $spawn = which('spawn-fcgi') or skip 'spawn-fcgi is not installed (Debian: spawn-fcgi)', 1;
    subtest 'the sample of spawn-fcgi' => sub {
        my $dir    = temp_dir();
        my $text   = slurp(source_dir() . '/etc/spawn-fcgi');
        my ($line) = $text =~ /^(spawn-fcgi .*)\n\z/m;
        my ($log)  = $text =~ /^# +log_destination = "(.*)";/m;
        ok(defined $log, 'says where the log can go');
        my $muster = Muster::Server->new(schema => 0, start => 0, conf => { log_destination => "$dir/log", database => "host=$dir dbname=none", listen => 'fd:0' });
        my $command = join ' ', $muster->command('-f');
        ok($line =~ s{/usr/sbin/muster -c /etc/muster/muster\.conf -f}{$command}, 'starts muster');
        ok($line =~ s{/run/muster/}{$dir/}g == 2, 'with its socket and its pid file in one directory');
        # As ourselves: the users of the sample need not exist here.
        ok($line =~ s{-U muster -G www-data -u muster -g muster }{}, 'and its users') or return;
        my $result = run([ 'sh', '-c', $line ]);
        is($result->{status}, 0, 'the command line works') or diag $result->{out}, $result->{err};
        my ($pid) = slurp("$dir/spawn-fcgi.pid") =~ /(\d+)/;
        ok($pid, 'there is a pid') or return;
        ok(poll(20, sub { slurp("$dir/log") =~ /\S/ }), 'and a log');
        kill 'TERM', $pid;
        ok(poll(20, sub { !-d "/proc/$pid" || slurp("/proc/$pid/stat") =~ /\) Z/ }), 'which ends');
    };
}

# --- by hand, as root

subtest 'started as root' => sub {
    plan skip_all => 'only root can become another user' if $>;
    my $home = temp_dir();
    spew("$home/.pg_service.conf", "[root]\nhost=$home\n");
    local $ENV{HOME} = $home;
    my $muster = Muster::Server->new(schema => 0, conf => { user => 'nobody', database => 'service=root dbname=none' });
    ok($muster->wait_log(qr/can't connect/), 'a worker connects');
    like($muster->log, qr/definition of service "root" not found/, 'as a user who has not the home of root') or diag $muster->log;
    $muster->stop;
    my $token = $muster->run_program([qw(token list)]);
    is($token->{status}, 1, 'muster token connects');
    like($token->{err}, qr/definition of service "root" not found/, 'as the same user');
};

subtest 'started by hand as root, as doc/install.rst says' => sub {
    plan skip_all => 'only root can become another user' if $>;
    my ($user, $owner) = slurp(source_dir() . '/doc/install.rst') =~ /^   by hand\n +As root, set ``user = "(\w+)"`` and ``listen_owner = "(\w+:[\w-]+)"``/m;
    is("$user $owner", 'muster muster:www-data', 'a user, and the owner of the socket');
    # The users of the text need not exist here.
    my ($name, $group) = ('nobody', getgrgid((getpwnam 'nobody')[3]));
    my $muster = Muster::Server->new(schema => 0, conf => { user => $name, listen_owner => "$name:$group", database => 'host=/nonexistent dbname=none', workers => 1 });
    my @stat   = stat $muster->socket;
    is_deeply([ scalar getpwuid $stat[4], scalar getgrgid $stat[5] ], [ $name, $group ], 'the socket is theirs');
    ok($muster->wait_log(qr/can't connect/), 'a worker connects') or diag $muster->log;
    my @uids = map { (stat "/proc/$_")[4] } split ' ', slurp("/proc/@{[ $muster->pid ]}/task/@{[ $muster->pid ]}/children");
    is_deeply([ sort { $a <=> $b } keys %{ { map { $_ => 1 } @uids } } ], [ (getpwnam $name)[2] ], 'its processes');
    $muster->stop;
};

subtest 'a socket whose directory is not there' => sub {
    my $dir    = temp_dir();
    my $muster = Muster::Server->new(schema => 0, start => 0, conf => { listen => "unix:$dir/run/muster.sock", database => "host=$dir" });
    my $result = $muster->run_program(['-f']);
    is($result->{status}, 1, 'is an error');
    like($result->{err}, qr{can't create the socket \Q$dir\E/run/muster\.sock: No such file or directory \(check its directory\)}, 'that says where to look');
};

# --- the front servers

my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres);
my $names    = join '&', map { "name=testserver$_" } 1 .. 700;
Muster::Data::load_example($postgres);

# What holds behind each front server that was installed so.
sub serves {
    my ($client) = @_;
    is($client->get('/by-name/testserver1')->{status}, 200, 'an object');
    is($client->post('/entity/pool', form => { name => "odd~" })->{json}[0], '/pool/odd~', 'a name that ends in ~ is made');
    is($client->get('/by-name/odd~')->{json}{name}, 'odd~', 'and found');
    is($client->get('/by-name/odd%2F~.inc')->{status}, 404, 'another one, with a slash, is looked for');
    is($client->delete('/entity/pool/odd~')->{status}, 204, 'and the first one is deleted');
    my $many = $client->get("/by-names?$names");
    is($many->{status}, 206, '700 names in the query');
    is(@{ $many->{json} // [] }, 700, 'are all answered');
    is($client->request(GET => '/by-names', body => $names . "&$names" x 9, type => 'application/x-www-form-urlencoded')->{status}, 206, 'and 7000 in the body');
    return;
}

SKIP: {
    skip 'no /etc/lighttpd/lighttpd.conf of Debian here', 1 unless -f '/etc/lighttpd/lighttpd.conf' && -f '/usr/share/lighttpd/create-mime.conf.pl';
    subtest 'lighttpd, with the sample in conf-enabled' => sub {
        my $front  = Muster::Front->new(server => $server, kind => 'lighttpd', installed => 1);
        my $client = $front->client;
        serves($client);
        # As doc/install.rst and the sample say.
        my $bare = run([ 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code} %{content_type}', '-X', 'POST', $front->url . '/preferences/a' ]);
        like($bare->{out}, qr{^411 text/html}, 'a POST without a length is refused by lighttpd');
        my $empty = run([ 'curl', '-s', '-w', '%{http_code}', '-H', 'X-User-Id: u', '-d', '', $front->url . '/preferences/a' ]);
        is($empty->{out}, 204, 'with -d "" it gets through');
        $front->stop;
    };
}

SKIP: {
    skip 'no /etc/nginx/nginx.conf of Debian here', 1 unless -f '/etc/nginx/nginx.conf' && -f '/etc/nginx/sites-available/default';
    subtest 'nginx, with the sample in conf.d' => sub {
        my $front = Muster::Front->new(server => $server, installed => 1, default_site => 1);
        isnt($front->client->get('/__version__')->{status}, 200, 'while the default site is enabled, it answers');
        $front->stop;
        my $ipv6 = !!IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
        $front = Muster::Front->new(server => $server, installed => 1, ipv6 => $ipv6);
        serves($front->client);
        my $version = run([ 'curl', '-s', $front->url . '/__version__' ]);
        my ($shown) = slurp(source_dir() . '/doc/install.rst') =~ m{^ +curl http://localhost/__version__ +# (.*)$}m;
        my ($number) = $server->run_program(['-V'])->{out} =~ /(\S+)\n\z/;
        is($version->{out}, $shown =~ s/\$\{server_version\}/$number/r, 'the first request of doc/install.rst has the answer that stands there');
        SKIP: {
            skip 'no IPv6 here', 1 unless $ipv6;
            is(run([ 'curl', '-s', '-g', 'http://[::1]:' . $front->port . '/__version__' ])->{out}, $version->{out}, 'the same over IPv6');
        }
        $front->stop;
    };
}

$server->stop;
done_testing;
