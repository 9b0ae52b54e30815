# Muster::Pgbouncer: a private PgBouncer before a Muster::Postgres, on a Unix socket of its own.
package Muster::Pgbouncer;
use v5.24;
use warnings;
use Carp qw(croak);
use Muster::Process qw(poll run slurp spew temp_dir unix_up which);

# Options: to => a Muster::Postgres, user => the role that it logs in as, size => how many connections it
# makes; others are settings.
sub new {
    my ($class, %option) = @_;
    my $program = which('pgbouncer') // croak 'pgbouncer is missing (Debian: pgbouncer)';
    my ($to, $user, $size) = delete @option{qw(to user size)};
    my $self = bless { dir => temp_dir(), user => $user }, $class;
    my %setting = (
        auth_type         => 'any',
        default_pool_size => $size,
        listen_addr       => '',
        logfile           => '',
        max_client_conn   => 100,
        pool_mode         => 'transaction',
        unix_socket_dir   => $self->{dir},
        %option,
    );
    chmod 0777, $self->{dir} or croak $!;
    spew("$self->{dir}/pgbouncer.ini", join "\n",
        '[databases]', sprintf('muster = host=%s dbname=muster user=%s', $to->socket_dir, $user),
        '[pgbouncer]', (map { "$_ = $setting{$_}" } sort keys %setting), '');
    $self->{process} = Muster::Process->start([ $program, "$self->{dir}/pgbouncer.ini" ], user => $to->{user}, out => "$self->{dir}/log", cwd => '/');
    poll(20, sub { unix_up("$self->{dir}/.s.PGSQL.6432") }) or croak 'PgBouncer does not start: ' . $self->log;
    return $self;
}

sub conninfo { return "host=$_[0]{dir} port=6432 dbname=muster user=$_[0]{user}" }
sub log      { return slurp("$_[0]{dir}/log") }
sub stop     { return $_[0]{process}->stop('TERM', 20) }

# Runs SQL through it; the output of psql.
sub psql {
    my ($self, $sql) = @_;
    my $result = run([ 'psql', '-XqAt', $self->conninfo, '-c', $sql ]);
    croak "psql: $result->{err}" if $result->{status} != 0;
    chomp $result->{out};
    return $result->{out};
}

1;
