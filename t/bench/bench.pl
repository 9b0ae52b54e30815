#!/usr/bin/perl
# bench.pl: what Muster costs, beside what limits it and what else could stand there. See --help.
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
use Muster::Bench::Run;
use Muster::Bench::Scenarios;
use Muster::Bench::World;
use Muster::Process qw(which);
use POSIX ();

my $help = <<'TEXT';
make bench [BENCHFLAGS="OPTIONS"]

Starts a PostgreSQL, Muster and a front server of its own, fills the database, and measures Muster
beside the limits of what it stands on, all in one run on one machine:

    constant   FastCGI processes that send a constant response of the same size: the front's limit
    bare       the smallest responder that answers the same with the same prepared statement
    pgbench    the same statements without HTTP: the database's limit
    COPY       for lists: the same rows, as psql reads them

They alternate in short rounds. What counts is processor time per request, of the program (Muster,
the responder, pgbench or psql) and the database together: unlike rates, it hardly changes when other
programs use the machine. The ratio of two is taken in each round; the figure is the median of these,
the spread how far such a median is off in a typical run (the distance between the quartiles divided
by the square root of the number of rounds). The ratio of the rates is printed beside it. Compare
ratios only.

Results marked "~" are unreliable: the machine was busy. They have a spread above 5 %, or depend on
time, and other programs had more than 10 % of the processors. The exit status says whether the
benchmark ran, not what it found.

    --scale N         N times 100,000 servers (default 1)
    --servers N       exactly N servers
    --small N         servers of the inventory that growth starts from (default 10,000)
    --preferences N   preference documents (default 100,000)
    --crowd N         members of the pool of many that is compared with one of 100 (default: as many
                      as there are servers)
    --repeats N       rounds (default 16; fewer where they take too long together)
    --seconds N       length of each (default 0.3; where requests take long there are fewer, of a second)
    --against DIR     instead: what Muster of this build costs beside that of the build in DIR, in the
                      same rounds, each with its own databases; "DEARER" says that it is by more than
                      5 % and twice the spread
    --quick           small and short: two or three minutes, good for finding out what changed
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
    scale => 1, repeats => 16, seconds => 0.3, clients => 16, workers => 4, front => 'nginx',
    'log-level' => 'warning',
);

sub usage {
    my ($text) = @_;
    print STDERR "$text\n" if defined $text;
    print STDERR "See bench.pl --help for options.\n";
    exit 2;
}

sub default_buffers {
    my $quarter = POSIX::sysconf(85) / 4 * POSIX::sysconf(POSIX::_SC_PAGESIZE()) / (1 << 20); # _SC_PHYS_PAGES
    my $wanted  = 512 * ($option{servers} > 100_000 ? $option{servers} / 100_000 : 1);
    return int($wanted < $quarter ? $wanted : $quarter) . 'MB';
}

sub options {
    Getopt::Long::GetOptions(
        \%option, 'scale=f', 'servers=i', 'small=i', 'crowd=i', 'preferences=i', 'repeats=i', 'seconds=f', 'quick', 'only=s', 'list',
        'peers', 'clients=i', 'workers=i', 'front=s', 'front-workers=i', 'buffers=s', 'log-level=s', 'json=s', 'against=s', 'quiet',
        'help',
    ) or usage();
    usage("What is $ARGV[0]?") if @ARGV;
    if ($option{help}) { print $help; exit 0 }
    if ($option{list}) { say for Muster::Bench::Scenarios::names(); exit 0 }
    if ($option{quick}) {
        $option{repeats} = 6;
        $option{servers}     //= 10_000;
        $option{small}       //= 1_000;
        $option{preferences} //= 10_000;
    }
    $option{servers}     //= int(100_000 * $option{scale});
    $option{small}       //= 10_000;
    $option{crowd}       //= $option{servers};
    $option{preferences} //= 100_000;
    $option{buffers}     //= default_buffers();
    my $cores = POSIX::sysconf(84) // 2; # _SC_NPROCESSORS_ONLN
    $option{'front-workers'} //= $cores > 4 ? 4 : $cores;
    for my $least (qw(servers small crowd preferences repeats clients workers front-workers)) {
        usage("--$least has to be at least 1") if $option{$least} < 1;
    }
    usage('--seconds has to be at least 0.1') if $option{seconds} < 0.1;
    usage('--front is nginx or lighttpd') unless $option{front} =~ /\A(?:nginx|lighttpd)\z/;
    my %is_name = map { $_ => 1 } Muster::Bench::Scenarios::names();
    for my $name (split /,/, $option{only} // '') {
        usage("There is no scenario $name.") unless $is_name{$name};
    }
    if (defined $option{against}) {
        usage("There is no build in $option{against}.") unless -x "$option{against}/muster";
        usage('--against measures no peers') if $option{peers};
        $option{against} = Cwd::abs_path($option{against});
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
    (map { $_ => $option{$_} } qw(servers small crowd preferences workers front buffers quiet against)),
    front_workers => $option{'front-workers'},
    log_level     => $option{'log-level'},
);
my $report = Muster::Bench::Report->new(%option, perl => "$^V");
my $run    = Muster::Bench::Run->new(world => $world, report => $report, option => \%option);
eval { Muster::Bench::Scenarios::run_all($run); 1 } or do {
    print STDERR "The benchmark broke off: $@";
    exit 1;
};
$report->note(sprintf 'Measured in %d s.', time - $begin);
$report->print;
$report->write_json($option{json}) if defined $option{json};
exit 0;
