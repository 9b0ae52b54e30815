# 88-haproxy.t: HAProxy between Muster and the database, configured as the documentation says: the primary hangs,
# a standby takes its place, and Muster, which knows one address only, goes on there.
use v5.24;
use warnings;
use IO::Socket::INET;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(free_port poll run slurp source_dir spew temp_dir unix_up which);
use Muster::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $haproxy = which('haproxy') or plan skip_all => 'haproxy is not installed';
my $SLOW    = $ENV{MUSTER_SLOW} // 1;
my $dir     = temp_dir();

my $one = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
Muster::Server->new(postgres => $one, start => 0);
my $two = Muster::Postgres->standby_of($one);

# What says that a server is the primary, as Patroni does at /primary: a file.
sub answer_checks {
    my ($port, $file) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "port $port: $!";
    my $pid = fork // die $!;
    return $pid if $pid;
    while (my $client = $listen->accept) {
        sysread $client, my $request, 4096;
        my $status = $request =~ m{^(?:GET|OPTIONS) /primary } && -e $file ? '200 OK' : '503 Service Unavailable';
        syswrite $client, "HTTP/1.0 $status\r\nContent-Length: 0\r\n\r\n";
        close $client;
    }
    POSIX::_exit(0);
}

my @port    = (free_port(), free_port());
my @checker = map { answer_checks($port[$_], "$dir/primary$_") } 0, 1;
spew("$dir/primary0", '');

# The sample of the documentation, with the addresses of these servers.
my ($sample) = slurp(source_dir() . '/doc/operating.rst') =~ /^(        defaults\n.*?check port 8008\n(?=\n))/ms;
ok($sample, 'the documentation has a configuration') or BAIL_OUT('no sample');
$sample =~ s/^ {8}//mg;
is($sample =~ s/bind \S+/bind unix\@$dir\/.s.PGSQL.5000 mode 666/, 1, 'for one address');
for my $n (1, 2) {
    my $socket = (undef, $one, $two)[$n]->socket_dir . '/.s.PGSQL.5432';
    is($sample =~ s/server db$n \S+ check port 8008/server db$n unix\@$socket check addr 127.0.0.1 port $port[$n - 1]/, 1, "and server $n");
}
chmod 0777, $dir;
spew("$dir/haproxy.cfg", $sample);
my $checked = run([ $haproxy, '-c', '-f', "$dir/haproxy.cfg" ]);
is($checked->{status}, 0, 'HAProxy takes it') or diag $checked->{out}, $checked->{err};
unlike($checked->{out} . $checked->{err}, qr/warning/i, 'without a warning');
my $between = Muster::Process->start([ $haproxy, '-db', '-f', "$dir/haproxy.cfg" ], out => "$dir/log");
poll(20, sub { unix_up("$dir/.s.PGSQL.5000") }) or BAIL_OUT(slurp("$dir/log"));

my $server = Muster::Server->new(conninfo => "host=$dir port=5000 dbname=muster user=postgres", schema => 0, conf => { workers => 3, cache_size => 4 });
my $front  = Muster::Front->new(server => $server, workers => 2);
my $client = $front->client;

sub make { my ($name) = @_; return $client->post('/entity/basicserver', form => { name => $name })->{status} }

poll(30, sub { make('before') =~ /^(?:201|409)$/ });
is($client->get('/by-name/before')->{status}, 200, 'a write to the primary, and a read');
my $lsn = $one->psql('select pg_current_wal_insert_lsn()');
ok(poll(30, sub { $two->psql("select pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") eq 't' }), 'the standby has it');

kill 'STOP', $one->{process}->pid, $one->{process}->children;
unlink "$dir/primary0";
$two->psql('select pg_promote()');
ok(poll(30, sub { $two->psql('select pg_is_in_recovery()') eq 'f' }), 'the primary hangs, the standby is promoted');
spew("$dir/primary1", '');
my ($begin, $n) = (time, 0);
ok(poll(60, sub { make('after' . $n++) == 201 }), 'Muster follows');
cmp_ok(time - $begin, '<', 10 * $SLOW, 'when HAProxy has ended the sessions, not when they time out');
is($client->get('/by-name/before')->{status}, 200, 'everything is there');
like($client->get('/__metrics__')->{body}, qr/^muster_database_timeline 2$/m, 'on the new timeline');
my @got = parallel(8, sub { my ($me) = @_; return [ map { $client->get("/by-name/after" . ($n - 1))->{status} } 1 .. 5 ] });
is_deeply([ map { @$_ } @got ], [ (200) x 40 ], 'no worker is left behind');

kill 'CONT', $one->{process}->children, $one->{process}->pid;
is(make('later'), 201, 'the old primary goes on, and nobody goes to it');
is($one->psql("select count(*) from entities where name like 'after%' or name = 'later'"), 0, 'nothing was written there');

$_->stop for $front, $server;
$between->stop('TERM', 20);
kill 'TERM', @checker;
waitpid $_, 0 for @checker;
$_->stop for $two, $one;
done_testing;
