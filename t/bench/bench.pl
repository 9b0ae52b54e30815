#!/usr/bin/perl
# bench.pl: how fast Muster is, beside what limits it and what else could stand there. See --help.
use v5.24;
use warnings;
use Cwd            ();
use File::Basename ();

BEGIN {
    my $here = File::Basename::dirname(Cwd::abs_path(__FILE__));
    unshift @INC, "$here/lib", "$here/../lib";
}

use Getopt::Long ();
use Muster::Bench::Report;
use Muster::Bench::Scenarios;
use Muster::Bench::World;
use Muster::Process qw(which);
use POSIX ();

my $help = <<'TEXT';
make bench [BENCHFLAGS="OPTIONS"]

Starts a PostgreSQL, Muster and a front server of its own, fills the database, and measures Muster
beside the limits of what it stands on, all in one run on one machine:

    constant   FastCGI processes that give a constant answer of the same size: the front's limit
    bare       the least that answers the same from the database with the same prepared statement
    pgbench    the same statements without HTTP: the database's limit
    COPY       for lists: the same rows, as psql reads them

The figures are ratios; those of other machines and other runs can't be compared. Where repeats
differ by more than 15 %, or others took more than 10 % of the processors, a line is marked "~".
The exit status says whether the benchmark ran, not what came out.

    --scale N         N times 100,000 servers (default 1)
    --servers N       exactly N servers
    --small N         servers of the inventory that growth starts from (default 10,000)
    --preferences N   preference documents (default 100,000)
    --repeats N       how often each is measured (default 3)
    --seconds N       how long each time (default 2)
    --quick           small and short: about a minute, good for finding out what changed
    --only LIST       scenarios, separated by commas (--list names them)
    --list            names the scenarios
    --peers           also beside fastify, nginx with Lua, webdis; installs them (needs the network)
    --clients N       clients at a time (default 16)
    --workers N       processes that answer (default 4)
    --front NAME      nginx (default) or lighttpd
    --front-workers N processes of nginx (default: one for each processor, at most 4)
    --buffers SIZE    shared_buffers of PostgreSQL (default 512MB for each 100,000 servers; at most a
                      quarter of the memory, as its manual advises)
    --log-level LEVEL Muster's log (default warning: the front server's access log is there)
    --json FILE       the results as JSON too
    --quiet           no progress
    --help            this text

It needs wrk, the front server and PostgreSQL (Debian: wrk nginx postgresql). As root PostgreSQL
runs as the user postgres.
TEXT

my %option = (
    scale => 1, repeats => 3, seconds => 2, clients => 16, workers => 4, front => 'nginx',
    'log-level' => 'warning',
);

sub usage {
    my ($text) = @_;
    print STDERR "$text\n" if defined $text;
    print STDERR "bench.pl --help tells what can be said.\n";
    exit 2;
}

sub default_buffers {
    my $quarter = POSIX::sysconf(85) / 4 * POSIX::sysconf(POSIX::_SC_PAGESIZE()) / (1 << 20); # _SC_PHYS_PAGES
    my $wanted  = 512 * ($option{servers} > 100_000 ? $option{servers} / 100_000 : 1);
    return int($wanted < $quarter ? $wanted : $quarter) . 'MB';
}

sub options {
    Getopt::Long::GetOptions(
        \%option, 'scale=f', 'servers=i', 'small=i', 'preferences=i', 'repeats=i', 'seconds=i', 'quick', 'only=s', 'list',
        'peers', 'clients=i', 'workers=i', 'front=s', 'front-workers=i', 'buffers=s', 'log-level=s', 'json=s', 'quiet', 'help',
    ) or usage();
    usage("What is $ARGV[0]?") if @ARGV;
    if ($option{help}) { print $help; exit 0 }
    if ($option{list}) { say for Muster::Bench::Scenarios::names(); exit 0 }
    if ($option{quick}) {
        @option{qw(repeats seconds)} = (1, 1);
        $option{servers}     //= 10_000;
        $option{small}       //= 1_000;
        $option{preferences} //= 10_000;
    }
    $option{servers}     //= int(100_000 * $option{scale});
    $option{small}       //= 10_000;
    $option{preferences} //= 100_000;
    $option{buffers}     //= default_buffers();
    my $cores = POSIX::sysconf(84) // 2; # _SC_NPROCESSORS_ONLN
    $option{'front-workers'} //= $cores > 4 ? 4 : $cores;
    for my $least (qw(servers small preferences repeats seconds clients workers front-workers)) {
        usage("--$least has to be at least 1") if $option{$least} < 1;
    }
    usage('--front is nginx or lighttpd') unless $option{front} =~ /\A(?:nginx|lighttpd)\z/;
    my %is_name = map { $_ => 1 } Muster::Bench::Scenarios::names();
    for my $name (split /,/, $option{only} // '') {
        usage("There is no scenario $name.") unless $is_name{$name};
    }
    usage('at most nine million servers') if $option{servers} > 8_999_999;
    return;
}

options();
$| = 1;
for my $program ('wrk', $option{front}) {
    which($program) // usage("$program is missing (Debian: $program)");
}
my $begin = time;
my $world = Muster::Bench::World->new(
    (map { $_ => $option{$_} } qw(servers small preferences workers front buffers quiet)),
    front_workers => $option{'front-workers'},
    log_level     => $option{'log-level'},
);
my $report = Muster::Bench::Report->new(%option, perl => "$^V");
eval { Muster::Bench::Scenarios::run($world, $report, \%option); 1 } or do {
    print STDERR "The benchmark broke off: $@";
    exit 1;
};
$report->note(sprintf 'Measured in %d s.', time - $begin);
$report->print;
$report->write_json($option{json}) if defined $option{json};
exit 0;
