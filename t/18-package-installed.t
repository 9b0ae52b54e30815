#!/usr/bin/perl
# 18-package-installed.t: the package in a fresh Debian: installed, set up by the three commands that it prints,
# upgraded under load, removed and purged. With MUSTER_PACKAGE=1 only, as root, with debootstrap: it takes minutes,
# and loads packages. MUSTER_CHROOT=FILE.tar keeps that system for the next time.
use v5.24;
use warnings;
use Fcntl ();
use IO::Socket::UNIX ();
use Muster::Process qw(build_dir poll run slurp source_dir spew temp_dir which);
use Socket ();
use Test::More;

plan skip_all => 'only with MUSTER_PACKAGE=1' unless $ENV{MUSTER_PACKAGE};
plan skip_all => 'only root can make a system of its own' if $>;
my @tools = grep { !which($_) } qw(debootstrap dh dpkg-buildpackage unshare nsenter setpriv ip);
plan skip_all => "@tools not installed" if @tools;

my $dir  = temp_dir();
my $root = "$dir/root";
$ENV{LC_ALL} = 'C.UTF-8';
delete @ENV{grep { /^(?:MAKE|MFLAGS|DEB_|DPKG_|DH_)/ || /^(?:CFLAGS|CPPFLAGS|LDFLAGS|CC)$/ } keys %ENV};

sub must {
    my ($name, $command, %more) = @_;
    my $result = run($command, timeout => 900, %more);
    is($result->{status}, 0, $name) or die("$name: $result->{out}$result->{err}");
    return $result->{out};
}

# --- the package, and the one before it, whose configuration and program's text differ a little

my ($deb) = must('make deb', [ 'make', '-s', '-C', build_dir(), 'deb' ]) =~ /^(muster_\S+\.deb)$/m;
must('taken apart', [ 'dpkg-deb', '-R', build_dir() . "/$deb", "$dir/before" ]);
spew("$dir/before/DEBIAN/control", slurp("$dir/before/DEBIAN/control") =~ s/^Version: .*/Version: 0.0.1/mr);
spew("$dir/before/etc/$_", slurp("$dir/before/etc/$_") . "# as it was before\n") for qw(muster/muster.conf nginx/sites-available/muster logrotate.d/muster);
must('the package before', [ 'dpkg-deb', '-b', "$dir/before", "$dir/before.deb" ]);

# --- a fresh system, with what the package depends on and the servers

my $tar = $ENV{MUSTER_CHROOT} // '';
if (-f $tar) {
    must('the system that was kept', [ 'tar', '-xpf', $tar, '-C', $dir ]);
}
else {
    my ($suite) = slurp('/etc/os-release') =~ /^VERSION_CODENAME=(\w+)/m;
    my ($needs) = slurp("$dir/before/DEBIAN/control") =~ /^Depends: (.*)/m;
    my $with = join ',', qw(nginx lighttpd postgresql curl logrotate), $needs =~ /([a-z][\w.+-]+)(?: \([^)]*\))?/g;
    must('debootstrap', [ 'debootstrap', '--variant=minbase', "--include=$with", $suite, $root ]);
    must('kept', [ 'tar', '-cpf', $tar, '-C', $dir, 'root' ]) if length $tar;
}
spew("$root/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
chmod 0755, "$root/usr/sbin/policy-rc.d";
must('the packages', [ 'cp', build_dir() . "/$deb", "$dir/before.deb", "$root/root/" ]);
unlink build_dir() . "/$deb";

# Its own processes and its own network, so that it may have port 80; both end with the holder.
my $holder = Muster::Process->start([ 'unshare', '--mount', '--pid', '--net', '--fork', '--kill-child',
    'sh', '-c', 'ip link set lo up && mount -t proc proc "$0/proc" && exec chroot "$0" sh -c "while :; do sleep 1; done"', $root ]);
my ($inside) = poll(10, sub { my ($pid) = $holder->children; $pid && readlink("/proc/$pid/root") eq $root && $pid }) or die('no namespace');

sub entered { return ('nsenter', '-t', $inside, '-m', '-p', '-n', '--root', '--wd', '--', 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8', @_) }

sub inside {
    my ($name, $line) = @_;
    return must($name, [ entered('sh', '-c', $line) ], timeout => 300);
}

# --- installed

my $said = inside('the package is installed', 'dpkg -i /root/before.deb 2>&1');
my @commands = split /\n/, $said =~ s/ &&\n +/ && /gr;
@commands = map { /^  (\S.*)/ ? $1 : () } @commands;
is(@commands, 3, 'three commands are left') or diag $said;
my ($uid, $gid) = slurp("$root/etc/passwd") =~ /^muster:x:(\d+):(\d+):/m;
ok(defined $uid, 'there is a user muster') or die('no user');
my @stat = stat "$root/etc/muster/muster.conf";
is_deeply([ $stat[2] & oct 7777, @stat[ 4, 5 ] ], [ oct 640, 0, $gid ], 'the configuration is for root and its group');
inside('the service is enabled', 'test -L /etc/systemd/system/multi-user.target.wants/muster.service');

# What systemd would do: the socket is its own, and the unit says the rest.
my ($unit, $socket) = map { slurp("$root/lib/systemd/system/muster.$_") } qw(service socket);
my ($path) = $socket =~ /^ListenStream=(.*)/m;
my ($www)  = slurp("$root/etc/group") =~ /^@{[ $socket =~ m{^SocketGroup=(.*)}m ]}:x:(\d+)/m;
must('a directory', [ 'install', '-d', '-m', '0755', $root . ($path =~ s{/[^/]+$}{}r) ]);
my $listen = IO::Socket::UNIX->new(Local => "$root$path", Listen => 1024, Type => Socket::SOCK_STREAM()) or die("$path: $!");
chown $uid, $www, "$root$path";
chmod oct(($socket =~ /^SocketMode=(.*)/m)[0]), "$root$path";
my $service;

sub start_service {
    my ($check, $start) = map { [ split ' ', ($unit =~ /^$_=(.*)/m)[0] ] } qw(ExecStartPre ExecStart);
    my @as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--init-groups');
    inside('the configuration is checked', join ' ', @as, @$check);
    fcntl $listen, Fcntl::F_SETFD(), 0;
    my $as_systemd = 'use POSIX (); POSIX::dup2(shift, 3); $ENV{LISTEN_PID} = $$; exec @ARGV';
    $service = Muster::Process->start([ entered('LISTEN_FDS=1', 'perl', '-e', $as_systemd, fileno $listen, @as, @$start) ], out => "$dir/log");
    return;
}

sub stop_service {
    my ($main) = $service->children;
    kill 'TERM', $main;
    return $service->wait(40);
}

start_service();
inside('PostgreSQL', 'pg_ctlcluster $(pg_lsclusters -h | cut -d" " -f1,2) start');
is(inside('databases', q{su postgres -c "psql -AtXc 'select count(*) from pg_database where not datistemplate'"}), "1\n", 'there is no database of ours yet');
inside("the first: $commands[0]", $commands[0]);
inside("the second: $commands[1]", $commands[1]);
my $answer;
poll(10, sub { $answer = run([ entered('sh', '-c', $commands[2] =~ s/ln -s/ln -sf/r) ], timeout => 60); $answer->{out} =~ /clustometa/ });
like($answer->{out}, qr{^\[\s*"/clustometa/clustometa"\s*\]$}m, "the third: $commands[2]") or diag explain($answer), slurp("$dir/log");
inside('nginx is content', 'nginx -t 2>&1');
like(inside('the page', 'curl -si http://localhost/ui/racks'), qr{\AHTTP/1.1 200 .*Content-Security-Policy.*<!doctype html>}is, 'is served');
inside('logrotate is content', 'logrotate -d /etc/logrotate.d/muster 2>&1');

subtest 'lighttpd, with what the package has for it' => sub {
    inside('nginx ends', 'service nginx stop');
    inside('lighttpd begins', 'lighty-enable-mod muster && service lighttpd restart');
    like(inside('a request', 'curl -s --retry 5 --retry-connrefused http://localhost/entity/'), qr{\A\[\s*"/clustometa/clustometa"\s*\]\s*\z}, 'is answered');
    like(inside('the page', 'curl -si http://localhost/ui/racks'), qr{\AHTTP/1.1 200 .*Content-Security-Policy.*<!doctype html>}is, 'is served');
    inside('and the other way round', 'service lighttpd stop && service nginx start');
};

# --- upgraded under load

# As an administrator does: one file is changed, two are not.
my $changed = slurp("$root/etc/muster/muster.conf") =~ s/^workers = 0;/workers = 3;/mr;
spew("$root/etc/muster/muster.conf", $changed);

spew("$root/root/load", <<'END_LOAD');
n=0
until [ -e /root/enough ]; do
    n=$((n + 1))
    curl -s -o /dev/null -w "pool$1-$n %{http_code}\n" -d "name=pool$1-$n" http://localhost/entity/pool >>/root/writes$1
    curl -s -o /dev/null -w '%{http_code}\n' http://localhost/entity/ >>/root/reads$1
done
END_LOAD
my @load = map { Muster::Process->start([ entered('sh', '/root/load', $_) ]) } 1 .. 3;
my $lines = sub { my ($kind) = @_; return join '', map { slurp("$root/root/$kind$_") } 1 .. 3 };
my $more  = sub { my $n = $lines->('writes') =~ tr/\n//; return poll(60, sub { ($lines->('writes') =~ tr/\n//) > $n + 30 }) };
ok($more->(), 'there is load');
$said = inside('the new version is installed', "dpkg -i --force-confold /root/$deb 2>&1");
like($said, qr/^  su .*muster --init-db'$/m, 'it says what is left');
ok($more->(), 'the old program goes on');
inside('--init-db', ($said =~ /^  (su .*)/m)[0]);
is(stop_service(), 0, 'the service ends');
start_service();
ok($more->(), 'the new program goes on');
spew("$root/root/enough", '');
ok(defined $_->wait(60), 'a client ends') for @load;
is(join(' ', grep { $_ ne '200' } split /\n/, $lines->('reads')), '', 'no read failed');
is(join(' ', grep { !/ 201$/ } split /\n/, $lines->('writes')), '', 'no write failed');
my $have = inside('the list', 'curl -s http://localhost/entity/pool');
is(join(' ', grep { index($have, "/pool/$_\"") < 0 } $lines->('writes') =~ /^(\S+) 201$/mg), '', 'all that was written is there');
is(slurp("$root/etc/muster/muster.conf"), $changed, 'a configuration that was changed stays');
unlike(slurp("$root/etc/nginx/sites-available/muster"), qr/as it was before/, 'one that was not is new');
@stat = stat "$root/etc/muster/muster.conf";
is_deeply([ $stat[2] & oct 7777, @stat[ 4, 5 ] ], [ oct 640, 0, $gid ], 'owner and mode as before');

# --- removed, purged

stop_service();
inside('removed', 'dpkg -r muster 2>&1');
ok(!-e "$root/usr/sbin/muster", 'the program is gone');
ok(-e "$root/etc/muster/muster.conf", 'its configuration is not');
spew("$root/var/log/muster/muster.log", 'x');
inside('purged', 'dpkg -P muster 2>&1');
ok(!-e "$root/$_" && !-l "$root/$_", "$_ is gone") for qw(etc/muster etc/nginx/sites-available/muster etc/nginx/sites-enabled/muster
    etc/lighttpd/conf-available/90-muster.conf etc/lighttpd/conf-enabled/90-muster.conf etc/logrotate.d/muster var/log/muster usr/share/muster);
is(inside('nothing is left', 'find /etc /usr /var/lib -name "*muster*" ! -path "/var/lib/postgresql/*"'), '', 'but the database and the user');
is(inside('the database', q{su postgres -c "psql -AtXc 'select count(*) > 0 from entities' muster"}), "t\n", 'stays');
inside('nginx is content without it', 'nginx -t 2>&1 && service nginx restart');
inside('installed again', "dpkg -i /root/$deb 2>&1");

inside('PostgreSQL ends', 'pg_ctlcluster $(pg_lsclusters -h | cut -d" " -f1,2) stop');
$holder->stop('KILL');
done_testing;
