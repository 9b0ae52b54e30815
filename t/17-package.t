#!/usr/bin/perl
# 17-package.t: make deb and make dist: what is in the package, lintian, the samples in it, and the same bytes
# each time. MUSTER_PACKAGE=1 builds everything a second time, elsewhere (a minute).
use v5.24;
use warnings;
use Muster::Process qw(build_dir run slurp source_dir spew temp_dir which);
use Test::More;

plan skip_all => 'a package is not built with sanitizers' if $ENV{MUSTER_SANITIZED};
plan skip_all => 'no Makefile in the build directory' unless -f build_dir() . '/Makefile';
my @tools = grep { !which($_) } qw(dh dpkg-buildpackage);
plan skip_all => "@tools not installed (Debian: apt-get install debhelper)" if @tools;

delete @ENV{grep { /^(?:MAKE|MFLAGS|DEB_|DPKG_|DH_)/ || /^(?:CFLAGS|CPPFLAGS|LDFLAGS|CC)$/ } keys %ENV};
$ENV{LC_ALL} = 'C.UTF-8';
my $dir = temp_dir();

sub must {
    my ($name, @command) = @_;
    my $result = run(\@command, timeout => 900);
    is($result->{status}, 0, $name) or die("$name: $result->{out}$result->{err}");
    return $result->{out};
}

# --- make dist

# The version as this build was configured; it names both files.
my ($version) = slurp(build_dir() . '/Makefile') =~ /^VERSION = (\S+)$/m;
my $release = "muster-$version.tar.gz";
my @epoch   = ("SOURCE_DATE_EPOCH=" . must('the time of the last change', source_dir() . '/contrib/version', '--date') =~ s/\n//r);
must('make dist', 'env', @epoch, 'make', '-s', '-C', build_dir(), 'dist');
rename build_dir() . "/$release", "$dir/$release" or die("$release: $!");
must('make dist, later', 'env', @epoch, 'make', '-s', '-C', build_dir(), 'dist');
ok(slurp(build_dir() . "/$release") eq slurp("$dir/$release"), 'has the same bytes');
unlink build_dir() . "/$release";
like(must('its content', 'tar', '-tvzf', "$dir/$release"), qr{^-rw-r--r-- 0/0 .* muster-\Q$version\E/configure\.ac$}m, "nobody's files");
is(must('its version', 'tar', '-xOzf', "$dir/$release", "muster-$version/.tarball-version") =~ s/ \d+\n//r, $version, 'is in it');

# A checkout's version grows with each commit.
subtest 'contrib/version' => sub {
    my $git  = which('git') or plan skip_all => 'git is not installed';
    my $here = "$dir/checkout";
    mkdir $_ for $here, "$here/contrib", "$here/doc";
    must('a checkout', 'cp', source_dir() . '/contrib/version', "$here/contrib/");
    my $news = sub { spew("$here/doc/news.rst", "News\n====\n\n" . join "\n\n", map { "$_ (2026-01-02)\n---" } @_) };
    my @git  = ($git, '-C', $here, qw(-c user.name=n -c user.email=n@example.org));
    my $commit = sub { must('a commit', @git, qw(add -A)); must('a commit', @git, qw(commit -q --allow-empty -m x)) };
    my $now  = sub { must('the version', "$here/contrib/version") =~ s/\n//r };
    $news->('1.2.0', '1.1.0');
    is($now->(), '1.2.0', 'without git it is that of the news');
    is(must('the date', 'env', '-u', 'SOURCE_DATE_EPOCH', "$here/contrib/version", '--date'), 1767312000 . "\n", 'and its date too');
    must('git', @git, qw(init -q));
    my @seen;
    $commit->(); push @seen, $now->();
    $commit->(); push @seen, $now->();
    must('a tag', @git, qw(tag v1.2.0)); push @seen, $now->();
    is($seen[-1], '1.2.0', 'a tag is a version');
    $commit->(); push @seen, $now->();
    $news->('1.3.0', '1.2.0');
    $commit->(); push @seen, $now->();
    must('a tag', @git, qw(tag v1.3.0)); push @seen, $now->();
    for (1 .. $#seen) {
        is(run([ 'dpkg', '--compare-versions', $seen[ $_ - 1 ], 'lt', $seen[$_] ])->{status}, 0, "$seen[$_ - 1] is before $seen[$_]");
    }
};

# --- make deb

my ($deb) = must('make deb', 'env', @epoch, 'make', '-s', '-C', build_dir(), 'deb') =~ /^(muster_\S+\.deb)$/m;
my $package = build_dir() . "/$deb";
my ($machine) = must('the architecture', 'dpkg', '--print-architecture') =~ /(\S+)/;
is($deb, "muster_${version}_$machine.deb", 'is named after the version');
SKIP: {
    # It takes more than a hundred other packages, which contrib/check does not install for one assertion.
    which('lintian') or skip 'lintian is not installed (Debian: lintian)', 1;
    my $lint = run([ 'lintian', '--allow-root', '--fail-on', 'error', $package ], timeout => 300);
    is($lint->{status}, 0, 'lintian has no errors') or diag $lint->{out}, $lint->{err};
}

must('the package is taken apart', 'dpkg-deb', '-R', $package, "$dir/root");
my @files = map { s{^\Q$dir\E/root/}{}r } split /\n/, must('its files', 'find', "$dir/root", '-type', 'f');
my %found = map { $_ => 1 } @files;
ok($found{$_}, $_) for qw(usr/sbin/muster lib/systemd/system/muster.service lib/systemd/system/muster.socket
    etc/muster/muster.conf etc/nginx/sites-available/muster etc/lighttpd/conf-available/90-muster.conf etc/logrotate.d/muster
    usr/share/man/man8/muster.8.gz usr/share/man/man5/muster.conf.5.gz usr/share/doc/muster/copyright
    usr/share/doc/muster/changelog.gz usr/share/doc/muster/examples/hardened.conf usr/share/doc/muster/examples/client.py usr/share/doc/muster/examples/muster-export
    usr/share/muster/www/ui/index.html);
for my $text (glob source_dir() . '/doc/*.rst') {
    my ($name) = $text =~ m{([^/]+)\.rst$};
    ok($found{"usr/share/muster/$name.$_"}, "usr/share/muster/$name.$_") for qw(rst html);
}
is_deeply([ sort split /\n/, slurp("$dir/root/DEBIAN/conffiles") ], [ map { "/$_" } sort grep { m{^etc/} } @files ], 'what is in /etc are conffiles');
is(slurp("$dir/root/etc/muster/muster.conf"), slurp(source_dir() . '/etc/muster.conf'), 'the configuration is the sample');
unlike(slurp("$dir/root/DEBIAN/$_") =~ s/cat <<'INNER'.*?^INNER$//gmsr, qr/psql|createdb|init-db|debconf/, "$_ does not touch a database") for qw(postinst prerm postrm);
like(slurp("$dir/root/DEBIAN/control"), qr/^Version: \Q$version\E$/m, 'the version');
unlike(slurp("$dir/root/usr/sbin/muster"), qr/\Q@{[ build_dir() ]}\E/, 'no path of the build is in the program');
is(must('the program', "$dir/root/usr/sbin/muster", '-V') =~ /(\S+)\n/ && $1, $version, 'says the same version');

subtest "the front servers' files" => sub {
    my $site   = slurp("$dir/root/etc/nginx/sites-available/muster");
    my $sample = slurp(source_dir() . '/etc/nginx.conf');
    my $uncommented = $site =~ s/^( *)#(listen .*443|ssl_)/$1$2/mgr =~ s/server_name localhost /server_name /r;
    s/\A.*?\n\n//s, s/^ *# Remove the lines with port 80.*\n//m for $uncommented, $sample;
    is($uncommented, $sample, 'nginx: the sample, without TLS, for localhost as well');
    is(() = $site =~ /^ *(?:listen .*443|ssl_)/mg, 0, 'no certificate is needed');
    my $own = slurp("$dir/root/etc/lighttpd/conf-available/90-muster.conf");
    like($own, qr/\A# --- muster ---\n/, 'lighttpd: the part for an installed one');
    ok(slurp(source_dir() . '/etc/lighttpd.conf') =~ /\Q$own\E\z/, 'of the sample');
};

# --- once more, elsewhere

subtest 'built in another directory, from the release' => sub {
    plan skip_all => 'MUSTER_PACKAGE=1 builds it a second time' unless $ENV{MUSTER_PACKAGE};
    my $else = "$dir/elsewhere/and/deeper";
    must('a directory', 'mkdir', '-p', $else);
    must('unpacked', 'tar', '-xzf', "$dir/$release", '-C', $else);
    my $build = run([ './configure', '-q' ], cwd => "$else/muster-$version", timeout => 300);
    is($build->{status}, 0, 'configure') or diag $build->{err};
    must('make dist', 'make', '-s', '-C', "$else/muster-$version", 'dist');
    ok(slurp("$else/muster-$version/$release") eq slurp("$dir/$release"), 'the release has the same bytes');
    must('make deb', 'make', '-s', '-C', "$else/muster-$version", 'deb');
    ok(slurp("$else/muster-$version/$deb") eq slurp($package), 'the package has the same bytes');
    mkdir "$dir/another";
    must('unpacked once more', 'tar', '-xzf', "$dir/$release", '-C', "$dir/another");
    my @program = map {
        my $made = run([ 'sh', '-c', './configure -q && make -s muster' ], cwd => $_, timeout => 900);
        is($made->{status}, 0, "make in $_") or diag $made->{err};
        slurp("$_/muster");
    } map { "$_/muster-$version" } $else, "$dir/another";
    ok(length $program[0] && $program[0] eq $program[1], 'the program, too');
};

unlink $package;
done_testing;
