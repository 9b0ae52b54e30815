# Muster::Postgres: a private PostgreSQL for one test file, on a Unix socket of its own.
package Muster::Postgres;
use v5.24;
use warnings;
use Carp qw(croak);
use File::Path ();
use Muster::Process qw(build_dir gone poll run slurp spew temp_dir unix_up which);

# Options: settings => { name => value } for the server's command line, database => name of the
# database made at start (default "muster", undef for none).
sub new {
    my ($class, %option) = @_;
    my $self = bless {
        bin      => _bin(),
        dir      => temp_dir(),
        user     => $> == 0 ? 'postgres' : undef,
        settings => {
            listen_addresses   => '',
            fsync              => 'off',
            synchronous_commit => 'off',
            full_page_writes   => 'off',
            shared_buffers     => '32MB',
            max_connections    => 200,
            jit                => 'off',
            log_min_duration_statement => -1,
            %{ $option{settings} // {} },
        },
    }, $class;
    $self->{database} = exists $option{database} ? $option{database} : 'muster';
    $self->_lay_out;
    $self->start;
    $self->psql("create database \"$self->{database}\"", database => 'postgres') if defined $self->{database};
    return $self;
}

# A hot standby that follows $primary, with the same settings.
sub standby_of {
    my ($class, $primary) = @_;
    my $self = bless { %$primary, dir => temp_dir(), process => undef }, $class;
    # A standby that is away at a checkpoint would never come back: segments are small here.
    $primary->psql("alter system set wal_keep_size = '256MB'; select pg_reload_conf()");
    for my $name (qw(data socket)) {
        mkdir "$self->{dir}/$name" or croak "$name: $!";
        _must([ 'chown', $self->{user}, "$self->{dir}/$name" ]) if $self->{user};
        chmod 0700, "$self->{dir}/$name" if $name eq 'data';
    }
    my $copied = run(
        [ "$self->{bin}/pg_basebackup", '-h', $primary->socket_dir, '-U', 'postgres', '-D', "$self->{dir}/data", '-R', '-X', 'stream', '-c', 'fast', '-N' ],
        user => $self->{user}, cwd => '/', timeout => 120,
    );
    croak "pg_basebackup: $copied->{err}" if $copied->{status} != 0;
    return $self->start;
}

# The directory of the newest PostgreSQL that has a server.
sub _bin {
    state $bin;
    return $bin if defined $bin;
    my $number = sub { $_[0] =~ m{/(\d+)[\d.]*/bin$} ? $1 : 0 };
    my @dirs   = sort { $number->($b) <=> $number->($a) } glob '/usr/lib/postgresql/*/bin';
    push @dirs, split /:/, $ENV{PATH} // '';
    for my $dir (@dirs) {
        return $bin = $dir if -x "$dir/initdb" && -x "$dir/postgres";
    }
    croak 'PostgreSQL is missing (Debian: postgresql)';
}

# initdb takes a second or two, so each build keeps the result and tests copy it. Two tests that
# make it at once don't harm each other: the last rename wins.
sub _lay_out {
    my ($self) = @_;
    my ($version) = run([ "$self->{bin}/postgres", '-V' ], user => $self->{user})->{out} =~ /(\d+)/;
    my $template = build_dir() . "/t/postgres-$version-$>";
    my $data     = "$self->{dir}/data";
    if (-f "$template/PG_VERSION") {
        _must([ 'cp', '-a', $template, $data ]);
    }
    else {
        mkdir $data or croak "$data: $!";
        _must([ 'chown', $self->{user}, $data ]) if $self->{user};
        $self->_initdb($data);
        my $fresh = "$template.$$";
        File::Path::make_path(build_dir() . '/t');
        run([ 'cp', '-a', $data, $fresh ])->{status} == 0 && rename $fresh, $template
            or File::Path::remove_tree($fresh);
    }
    mkdir "$self->{dir}/socket" or croak "socket: $!";
    if ($self->{user}) {
        # The copy keeps its owner; only the new directory has to be handed over.
        _must([ 'chown', $self->{user}, "$self->{dir}/socket" ]);
    }
    chmod 0700, $data;
    return;
}

# Where ICU is there it provides the database's order, which puts "a" before "B" and skips
# punctuation: whoever relies on the database's order for code points is found out here.
sub _initdb {
    my ($self, $data) = @_;
    my @common = (
        "$self->{bin}/initdb", '-D', $data, '-U', 'postgres', '--auth=trust', '--no-sync',
        '--encoding=UTF8', '--wal-segsize=1', '--no-instructions',
    );
    for my $locale ([ '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en' ], ['--locale=C.UTF-8'], ['--no-locale']) {
        my $result = run([ @common, @$locale ], user => $self->{user}, timeout => 120, cwd => '/');
        return if $result->{status} == 0;
        croak "initdb: $result->{err}" if $locale->[0] eq '--no-locale';
        _must([ 'find', $data, '-mindepth', '1', '-delete' ]);
    }
    return;
}

sub _must {
    my ($command) = @_;
    my $result = run($command);
    croak "@$command: $result->{err}" if $result->{status} != 0;
    return;
}

sub start {
    my ($self) = @_;
    my $settings = $self->{settings};
    my $process  = $self->{process} = Muster::Process->start(
        [
            "$self->{bin}/postgres", '-D', "$self->{dir}/data",
            '-c', "unix_socket_directories=$self->{dir}/socket",
            map { ('-c', "$_=$settings->{$_}") } sort keys %$settings,
        ],
        user     => $self->{user},
        cwd      => '/',
        out      => "$self->{dir}/log",
        deathsig => 'INT',
        env      => { map { $_ => undef } grep { /^PG/ } keys %ENV },
    );
    $process->{end_signal}  = 'QUIT';
    $process->{end_seconds} = 10;
    poll(60, sub { !$process->alive || $self->_answers }) && $process->alive
        or croak "PostgreSQL did not start:\n" . $self->log;
    return $self;
}

sub _answers {
    my ($self) = @_;
    return 0 unless unix_up("$self->{dir}/socket/.s.PGSQL.5432");
    return run([ "$self->{bin}/pg_isready", '-q', '-h', "$self->{dir}/socket" ])->{status} == 0;
}

# fast (default): open connections are broken off; immediate: as a crash that is recovered at the
# next start; kill: the postmaster dies at once, its children with it.
sub stop {
    my ($self, $how) = @_;
    my $signal = { fast => 'INT', immediate => 'QUIT', kill => 'KILL', smart => 'TERM' }->{ $how // 'fast' }
        // croak "stop $how?";
    my @children = $self->{process}->children;
    my $status   = $self->{process}->stop($signal, 60);
    if ($signal eq 'KILL') {
        # Orphaned backends hold the shared memory; the next start would be refused.
        kill 'QUIT', @children;
        poll(20, sub { gone(@children) }) or croak 'backends stay';
        unlink "$self->{dir}/socket/.s.PGSQL.5432", "$self->{dir}/socket/.s.PGSQL.5432.lock";
    }
    return $status;
}

sub restart {
    my ($self, $how) = @_;
    $self->stop($how);
    return $self->start;
}

sub socket_dir { return "$_[0]{dir}/socket" }
sub log        { return slurp("$_[0]{dir}/log") }

# What libpq is told; another database by name.
sub conninfo {
    my ($self, $database) = @_;
    return sprintf "host=%s dbname=%s user=postgres", $self->socket_dir, $database // $self->{database};
}

# Runs SQL (text), a file (file => path). Options: database, fails => 1 to get the result hash
# instead of dying, vars => {}. Answers the rows: unaligned, no headers; in list context one
# element per line, else the text without the last newline.
sub psql {
    my ($self, $sql, %option) = @_;
    my $vars   = $option{vars} // {};
    my $result = run(
        [
            "$self->{bin}/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', $self->socket_dir, '-U', 'postgres',
            '-d', $option{database} // $self->{database} // 'postgres',
            (map { ('-v', "$_=$vars->{$_}") } sort keys %$vars),
            defined $option{file} ? ('-f', $option{file}) : ('-f', '-'),
        ],
        stdin   => $sql,
        timeout => $option{timeout} // 120,
    );
    return $result if $option{fails};
    croak "psql: $result->{err}\n$sql" if $result->{status} != 0;
    chomp(my $text = $result->{out});
    return wantarray ? split(/\n/, $text) : $text;
}

# All rows of all tables, as sorted text; not sequences, nor the points of the feed, which the waiter makes from time
# to time.
sub every_row {
    my ($self) = @_;
    my $dump = run([ "$self->{bin}/pg_dump", '-h', $self->socket_dir, '-U', 'postgres', '--data-only', '--inserts', '-d', $self->{database} ], timeout => 60);
    croak $dump->{err} if $dump->{status} != 0;
    return join "\n", sort grep { !/setval|INSERT INTO public\.muster_point |^\\(?:un)?restrict|^--|^$/ } split /\n/, $dump->{out};
}

# The same without what numbers the next row, as the counters of clustometa.
sub rows {
    my ($self) = @_;
    return join "\n", grep { !/INSERT INTO public\.(?:counters VALUES \(\d+, 1,|muster_number|muster_floor)/ } split /\n/, $self->every_row;
}

# Somebody begins a transaction with this statement and stays in it: a function that ends that, or
# nothing if it could not begin.
sub hold {
    my ($self, $sql) = @_;
    my $sleeps = "from pg_stat_activity where wait_event = 'PgSleep'";
    my $holder = Muster::Process->start([
        "$self->{bin}/psql", '-Xq', '-h', $self->socket_dir, '-U', 'postgres', '-d', $self->{database},
        '-c', "begin; $sql; select pg_sleep(100)",
    ]);
    poll(10, sub { $self->psql("select count(*) $sleeps") }) or return;
    return sub {
        $holder->stop('KILL');
        $self->psql("select pg_terminate_backend(pid) $sleeps");
    };
}

# Somebody begins a transaction with these statements and leaves it open: a function that sends the last ones, such as
# 'commit', and waits for them (not in another process), or undef if it could not begin.
sub begin {
    my ($self, $sql) = @_;
    state $count = 0;
    my $name = 'open' . ++$count;
    open my $psql, '|-', "$self->{bin}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $self->conninfo or croak "psql: $!";
    $psql->autoflush(1);
    say {$psql} "begin; $sql; set local application_name = '$name';";
    poll(60, sub { $self->psql("select count(*) from pg_stat_activity where application_name = '$name' and state = 'idle in transaction'") }) or return;
    return sub {
        my ($last) = @_;
        local $SIG{PIPE} = 'IGNORE';
        say {$psql} "$last;\n\\q";
        return close $psql;
    };
}

# Waits until the sessions to which this condition applies have ended, and with that have told what they read: the
# program of a session may have ended before.
sub wait_for_sessions {
    my ($self, $condition) = @_;
    poll(10, sub { !$self->psql("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and $condition") })
        or croak 'sessions stay';
    return;
}

# A setting of the server's own, or without a value its default again, in force in every session.
sub setting {
    my ($self, $name, $value) = @_;
    my $before = $self->psql("show $name");
    $self->psql('alter system ' . (defined $value ? "set $name = '$value'" : "reset $name"));
    $self->psql('select pg_reload_conf()');
    poll(10, sub { $self->psql("show $name") ne $before }) or croak "$name stays $before";
    return;
}

# One more database, empty or a copy of another.
sub create_database {
    my ($self, $name, $template) = @_;
    my $from = defined $template ? " template \"$template\"" : '';
    $self->psql("create database \"$name\"$from", database => 'postgres');
    return $name;
}

1;
