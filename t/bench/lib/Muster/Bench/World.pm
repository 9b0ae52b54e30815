# Muster::Bench::World: the database with its inventories, Muster in several settings, and what is
# measured beside it, each behind a front server of its own.
package Muster::Bench::World;
use v5.24;
use warnings;
use Carp qw(croak);
use Muster::Bench::Data;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(build_dir poll run spew temp_dir unix_up);
use Muster::Server;

# Options: servers, small, crowd, preferences, workers, front, front_workers, buffers, log_level,
# quiet; against: the directory of another build, whose muster gets databases of its own.
sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, dir => temp_dir() }, $class;
    # As it comes but for the memory, and for checkpoints, which would fall into some measurement; and
    # commit_delay, which is 0, would be for all (slow_commits).
    $self->{postgres} = Muster::Postgres->new(
        settings => {
            fsync              => 'on',
            synchronous_commit => 'on',
            full_page_writes   => 'on',
            shared_buffers     => $option{buffers},
            max_wal_size       => '8GB',
            checkpoint_timeout => '1h',
            max_connections    => 300,
            commit_siblings    => 0,
        },
    );
    $self->_read_tables;
    for my $build ('after', defined $option{against} ? 'before' : ()) {
        $self->{data}{small} = $self->_load('small', $build, servers => $option{small});
        $self->{data}{large} = $self->_load('large', $build, map { $_ => $option{$_} } qw(servers preferences crowd));
    }
    return $self;
}

# The names of the other build's databases differ: each build's --init-db makes its own.
sub _database {
    my ($size, $build) = @_;
    return $build eq 'after' ? $size : "${size}_$build";
}

sub _load {
    my ($self, $size, $build, %option) = @_;
    my $postgres = $self->{postgres};
    my $database = _database($size, $build);
    $postgres->create_database($database);
    return Muster::Bench::Data->load(
        postgres    => $postgres,
        database    => $database,
        server      => $self->_muster($size, $build, start => 0),
        quiet       => $self->{quiet},
        %option,
    );
}

sub _muster {
    my ($self, $size, $build, %option) = @_;
    my $dir = $build eq 'after' ? build_dir() : $self->{against};
    local $ENV{MUSTER_PROGRAM} = "$dir/muster";
    return Muster::Server->new(
        postgres     => $self->{postgres},
        conninfo     => $self->{postgres}->conninfo(_database($size, $build)),
        schema       => 0,
        allow_errors => 1,
        conf         => {
            workers   => $self->{workers},
            log_level => $self->{log_level},
            doc_dir   => "$dir/share",
            %{ $option{conf} // {} },
        },
        start        => $option{start} // 1,
    );
}

# The program's statements by name: { params => letters, text => SQL }; its managers as arrays; and
# how it sets up its sessions: what the planner does must not differ.
sub _read_tables {
    my ($self) = @_;
    my (@drivers, @resources);
    for (split /\n/, run([ build_dir() . '/t/tables' ])->{out}) {
        my ($kind, @field) = split /\t/;
        $self->{statements}{ $field[0] } = { params => $field[1], text => $field[2] } if $kind eq 'statement';
        # With the time-outs that it has by default.
        $self->{session} = "$field[0] -c statement_timeout=30000 -c lock_timeout=10000" if $kind eq 'session';
        push @drivers, $field[0] and push @resources, $field[1] if $kind eq 'manager';
    }
    $self->{managers} = [ map { '{' . join(',', @$_) . '}' } \@drivers, \@resources ];
    return;
}

# From now on a commit takes so many microseconds longer, as on a disk that is slower to sync; 0: as it
# was.
sub slow_commits { return $_[0]{postgres}->setting(commit_delay => $_[1]) }

sub data     { return $_[0]{data}{ $_[1] // 'large' } }
sub postgres { return $_[0]{postgres} }
sub session  { return $_[0]{session} }

# A statement's text with these SQL expressions for its parameters.
sub statement {
    my ($self, $name, @values) = @_;
    my $statement = $self->{statements}{$name} // croak "no statement $name";
    croak "$name takes " . length($statement->{params}) . ' parameters' if length $statement->{params} != @values;
    return $statement->{text} =~ s/\$(\d+)/$values[$1 - 1]/gr;
}

# --- what answers. Each is a hash: url, client, pids of the front server and of what is behind it.

# Muster in one of its settings: 'plain' (no cache), 'cached', 'small' (the small inventory), 'untold' (a
# copy of that without the triggers of history and changes, where muster does not tell of changes itself, either), 'one' (one worker); build: 'after' (ours, the default) or 'before'. Started when first asked for.
sub muster {
    my ($self, $kind, $build) = @_;
    $build //= 'after';
    return $self->{target}{"$kind $build"} //= do {
        my %conf = (cache_size => $kind eq 'cached' ? 64 : 0);
        $conf{workers} = 1 if $kind eq 'one';
        $self->_make_untold($build) if $kind eq 'untold';
        my $server = $self->_muster($kind =~ /^(?:small|untold)$/ ? $kind : 'large', $build, conf => \%conf);
        { server => $server, kind => $kind, program => [ $server->pid ], $self->_front($server->socket) };
    };
}

sub _make_untold {
    my ($self, $build) = @_;
    my $postgres = $self->{postgres};
    my ($small, $untold) = map { _database($_, $build) } qw(small untold);
    $postgres->psql("select pg_terminate_backend(pid) from pg_stat_activity where datname = '$small'", database => 'postgres');
    $postgres->create_database($untold, $small);
    $postgres->psql(<<'SQL', database => $untold);
delete from muster_schema;
do $$ declare t record; begin
    for t in select tgrelid::regclass as tab, tgname from pg_trigger where tgname ~* '^muster_(change|keep|version)_' loop
        execute format('alter table %s disable trigger %I', t.tab, t.tgname);
    end loop;
end $$;
SQL
    return;
}

sub _front {
    my ($self, $socket) = @_;
    my $front = Muster::Front->new(socket => $socket, kind => $self->{front}, workers => $self->{front_workers});
    return (
        url    => $front->url,
        client => $front->client(keep_alive => 1, timeout => 300),
        front  => [ $front->{process}->pid ],
    );
}

# A program of t/bench; the one that was there before under this name ends.
sub _responder {
    my ($self, $name, @arguments) = @_;
    my $socket = "$self->{dir}/$name.sock";
    $self->{responder}{$name}->stop('KILL') if $self->{responder}{$name};
    unlink $socket;
    my $process = $self->{responder}{$name} = Muster::Process->start(
        [ build_dir() . "/t/bench/$name", $socket, $self->{workers}, @arguments ],
        out => "$self->{dir}/$name.log",
    );
    poll(10, sub { unix_up($socket) || !$process->alive }) && $process->alive
        or croak "$name did not start: " . Muster::Process::slurp("$self->{dir}/$name.log");
    my $target = $self->{target}{$name} //= { $self->_front($socket) };
    $target->{program} = [ $process->pid ];
    return $target;
}

# The same answer each time, to everything.
sub constant {
    my ($self, $body) = @_;
    return $self->_responder('constant', spew("$self->{dir}/constant.body", $body));
}

# The least that answers: object, ref, attrs, document, path or set.
sub bare {
    my ($self, $kind) = @_;
    my $options  = $self->session =~ s/([\\'])/\\$1/gr;
    my $conninfo = $self->{postgres}->conninfo('large') . " options='$options'";
    return $self->_responder('bare', $conninfo, $kind);
}

1;
