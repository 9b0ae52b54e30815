# Muster::Foreign: a writer beside muster that sends what Python clusto sends, in its order (begin, the version, what it
# reads, what it decides on that, commit), one step at a time.
package Muster::Foreign;
use v5.24;
use warnings;
use Carp qw(croak);
use IO::Select ();
use IPC::Open2 ();
use Time::HiRes ();

# A session of its own. Options: database, user.
sub new {
    my ($class, $postgres, %option) = @_;
    my $self = bless { database => $option{database}, postgres => $postgres, marks => 0, buffer => '' }, $class;
    my @command = (
        "$postgres->{bin}/psql", '-XqAt', '-h', $postgres->socket_dir, '-U', $option{user} // 'postgres',
        '-d', $option{database} // $postgres->{database},
    );
    local $ENV{PGAPPNAME} = 'python';
    $self->{pid} = IPC::Open2::open2($self->{out}, $self->{in}, "exec @command 2>&1");
    $self->{in}->autoflush(1);
    return $self;
}

# Sends statements; answer() waits for their rows.
sub send {
    my ($self, $sql) = @_;
    $self->{mark} = 'done ' . ++$self->{marks};
    print { $self->{in} } "$sql;\n\\echo $self->{mark}\n";
    return;
}

# The rows, joined by newlines; undef if there is no answer within so many seconds. Errors are kept in {errors}.
sub answer {
    my ($self, $seconds) = @_;
    my $end = Time::HiRes::time() + $seconds * ($ENV{MUSTER_SLOW} // 1);
    my $text;
    while (1) {
        if ($self->{buffer} =~ s/\A(.*?)^\Q$self->{mark}\E\n//ms) {
            $text = $1;
            last;
        }
        my $left = $end - Time::HiRes::time();
        return if $left <= 0;
        next unless IO::Select->new($self->{out})->can_read($left);
        sysread $self->{out}, $self->{buffer}, 65536, length $self->{buffer} or croak 'psql has ended';
    }
    my @lines = split /\n/, $text;
    push @{ $self->{errors} }, grep { /ERROR|FATAL/ } @lines;
    return join "\n", grep { !/^(?:ERROR|FATAL|DETAIL|HINT|CONTEXT|WARNING|LINE)/ } @lines;
}

sub ask {
    my ($self, $sql) = @_;
    $self->send($sql);
    return $self->answer(30) // croak "no answer: $sql";
}

sub end {
    my ($self) = @_;
    close $self->{in};
    waitpid $self->{pid}, 0;
    return;
}

# --- what it does

sub id {
    my ($self, $name) = @_;
    return $self->ask("select entity_id from entities where name = '$name' and deleted_at_version is null order by entity_id limit 1");
}

sub attr {
    my ($self, $entity, $key, %row) = @_;
    my $null = sub { defined $_[0] ? "'$_[0]'" : 'null' };
    my ($datatype, $column) = defined $row{relation} ? ('relation', 'relation_id') : $row{value} =~ /\A-?\d+\z/ ? ('int', 'int_value') : ('string', 'string_value');
    return $self->ask("insert into entity_attrs (entity_id, key, subkey, number, datatype, $column, version) values ($entity, '$key', "
        . join(', ', map { $null->($_) } $row{subkey}, $row{number}, $datatype, $row{relation} // $row{value}) . ', 1) returning attr_id');
}

# Python's Counter.get(): the row's id and value, made when it is not there.
sub counter {
    my ($self, $entity, $key, $default) = @_;
    my $read = $self->ask("select counter_id, value from counters where entity_id = $entity and attr_key = '$key' order by counter_id limit 1");
    return split /\|/, $read if length $read;
    my $id = $self->ask("insert into counters (entity_id, attr_key, value) values ($entity, '$key', $default) returning counter_id");
    return ($id, $default);
}

sub set_counter {
    my ($self, $id, $value) = @_;
    $self->changed('update', "update counters set value = $value where counter_id = $id");
    return;
}

# Without a row changed, SQLAlchemy raises StaleDataError for an update; for a deletion it does not.
sub changed {
    my ($self, $kind, $sql) = @_;
    my $rows = $self->ask("with done as ($sql returning 1) select count(*) from done");
    push @{ $self->{errors} }, "StaleDataError: $sql" if $kind eq 'update' && $rows eq '0';
    return $rows;
}

sub delete_rows {
    my ($self, $condition) = @_;
    $self->ask("delete from entity_attrs where attr_id = $_") for split /\n/, $self->ask("select attr_id from entity_attrs where deleted_at_version is null and $condition");
    return;
}

# What each operation does after begin and the version: a list of steps. %$o: pool, server, rack, ip, names, name (all
# names of objects), base (of labels), address. Between any two of them something else may happen.
my %OPERATIONS = (
    create => [
        sub { my ($f, $o) = @_; $o->{seen} = $f->id($o->{name}) },
        sub { my ($f, $o) = @_; $o->{made} = length $o->{seen} ? undef : $f->ask("insert into entities (name, type, driver, version) values ('$o->{name}', 'server', 'basicserver', 1) returning entity_id") },
        sub { my ($f, $o) = @_; $f->attr($o->{made}, 'made', value => 'by python') if $o->{made} },
    ],
    delete => [
        sub { my ($f, $o) = @_; $o->{id} = $f->id($o->{server}) },
        sub { my ($f, $o) = @_; $f->delete_rows("relation_id = $o->{id}") if $o->{id} },
        sub { my ($f, $o) = @_; $f->delete_rows("entity_id = $o->{id}") if $o->{id} },
        sub { my ($f, $o) = @_; $f->ask("delete from entities where entity_id = $o->{id}") if $o->{id} },
    ],
    rename => [
        sub { my ($f, $o) = @_; $o->{id} = $f->id($o->{server}) },
        sub { my ($f, $o) = @_; $o->{new} = $f->ask("insert into entities (name, type, driver, version) values ('$o->{server}-renamed', 'server', 'basicserver', 1) returning entity_id") if $o->{id} },
        sub { my ($f, $o) = @_; $f->ask("insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, relation_id, version) select $o->{new}, key, subkey, number, datatype, int_value, string_value, relation_id, 1 from entity_attrs where entity_id = $o->{id} and deleted_at_version is null and key <> 'ip'") if $o->{id} },
        sub { my ($f, $o) = @_; $f->changed(delete => "update entity_attrs set relation_id = $o->{new} where relation_id = $o->{id} and deleted_at_version is null") if $o->{id} },
        sub { my ($f, $o) = @_; $f->delete_rows("entity_id = $o->{id}") if $o->{id} },
        sub { my ($f, $o) = @_; $f->ask("delete from entities where entity_id = $o->{id}") if $o->{id} },
    ],
    set => [
        sub { my ($f, $o) = @_; $o->{id} = $f->id($o->{server}) },
        sub { my ($f, $o) = @_; $f->delete_rows("entity_id = $o->{id} and key = 'owner'") if $o->{id} },
        sub { my ($f, $o) = @_; $f->attr($o->{id}, 'owner', value => 'python') if $o->{id} },
    ],
    pool => [
        sub { my ($f, $o) = @_; @$o{qw(id in)} = ($f->id($o->{server}), $f->id($o->{pool})) },
        sub { my ($f, $o) = @_; @$o{qw(counter value)} = $f->counter($o->{in}, '_contains', -1) if $o->{id} && $o->{in} },
        sub { my ($f, $o) = @_; $f->set_counter($o->{counter}, $o->{value} + 1) if defined $o->{counter} },
        sub { my ($f, $o) = @_; $f->attr($o->{in}, '_contains', number => $o->{value} + 1, relation => $o->{id}) if defined $o->{counter} },
    ],
    rack => [
        sub { my ($f, $o) = @_; @$o{qw(id in)} = ($f->id($o->{server}), $f->id($o->{rack})) },
        sub { my ($f, $o) = @_; $o->{taken} = $f->ask("select 1 from entity_attrs where entity_id = $o->{in} and key = '_contains' and subkey = 'ru' and number = 7 and deleted_at_version is null limit 1") if $o->{in} },
        sub { my ($f, $o) = @_; $f->attr($o->{in}, '_contains', subkey => 'ru', number => 7, relation => $o->{id}) if $o->{id} && $o->{in} && !length $o->{taken} },
    ],
    cable       => [
        sub { my ($f, $o) = @_; @$o{qw(id to)} = ($f->id($o->{server}), $f->id($o->{other})) },
        (map { my $end = $_; sub { my ($f, $o) = @_; $o->{used} .= $f->ask("select 1 from entity_attrs where entity_id = $o->{$end} and key = 'port-nic-eth' and number = 1 and subkey = 'connection' and deleted_at_version is null") if $o->{id} && $o->{to} } } qw(id to)),
        (map { my ($end, $far) = @$_; (
            sub { my ($f, $o) = @_; $f->attr($o->{$end}, 'port-nic-eth', subkey => 'connection', number => 1, relation => $o->{$far}) if $o->{id} && $o->{to} && !length $o->{used} },
            sub { my ($f, $o) = @_; $f->attr($o->{$end}, 'port-nic-eth', subkey => 'otherportnum', number => 1, value => 1) if $o->{id} && $o->{to} && !length $o->{used} },
        ) } [qw(id to)], [qw(to id)]),
    ],
    ip          => [ _ip(0, 1) ],
    'ip, named' => [ _ip(1, 1) ],
    'ip, bare'  => [ _ip(0, 0) ],
    label         => [ _label(1) ],
    'label, bare' => [ _label(0) ],
);

# Names: the next one of a manager's counter; its rows with a number or without.
sub _label {
    my ($numbered) = @_;
    return (
        sub { my ($f, $o) = @_; @$o{qw(id in)} = ($f->id($o->{server}), $f->id($o->{names})) },
        sub { my ($f, $o) = @_; @$o{qw(counter value)} = $f->counter($o->{in}, 'next', 1) if $o->{id} && $o->{in} },
        sub { my ($f, $o) = @_; $f->set_counter($o->{counter}, $o->{value} + 1) if defined $o->{counter} },
        $numbered ? (
            sub { my ($f, $o) = @_; @$o{qw(all number)} = $f->counter(1, 'simplename', 0) if defined $o->{counter} },
        ) : (),
        sub { my ($f, $o) = @_; $f->attr($o->{id}, 'simplename', number => $o->{number}, value => sprintf('%s%02d', $o->{base}, $o->{value})) if defined $o->{counter} },
        $numbered ? (
            sub { my ($f, $o) = @_; $f->set_counter($o->{all}, $o->{number} + 1) if defined $o->{counter} },
        ) : (),
        sub { my ($f, $o) = @_; $f->attr($o->{id}, 'simplename', subkey => 'manager', number => $o->{number}, relation => $o->{in}) if defined $o->{counter} },
    );
}

# Addresses: the next one, or one that is named; its rows with a number or without.
sub _ip {
    my ($named, $numbered) = @_;
    my $free = sub { my ($f, $address) = @_; return !length $f->ask("select 1 from entity_attrs where key = 'ip' and subkey is null and int_value = $address and deleted_at_version is null limit 1") };
    return (
        sub { my ($f, $o) = @_; @$o{qw(id in)} = ($f->id($o->{server}), $f->id($o->{ip})) },
        sub {
            my ($f, $o) = @_;
            return unless $o->{id} && $o->{in};
            my $last = $f->ask("select int_value from entity_attrs where entity_id = $o->{in} and key = '_lastip' and deleted_at_version is null");
            push @{ $f->{errors} }, 'more than one _lastip' if $last =~ /\n/;
            my $address = $named || !length $last ? $o->{address} : $last;
            if (!$named) { $address++ until $free->($f, $address) }
            $o->{chosen} = $free->($f, $address) ? $address : undef;
        },
        $named ? () : (
            sub { my ($f, $o) = @_; $f->delete_rows("entity_id = $o->{in} and key = '_lastip'") if defined $o->{chosen} },
            sub { my ($f, $o) = @_; $f->attr($o->{in}, '_lastip', value => $o->{chosen}) if defined $o->{chosen} },
        ),
        $numbered ? (
            sub { my ($f, $o) = @_; @$o{qw(all number)} = $f->counter(1, 'ip', 0) if defined $o->{chosen} },
        ) : (),
        sub { my ($f, $o) = @_; $f->attr($o->{id}, 'ip', number => $o->{number}, value => $o->{chosen}) if defined $o->{chosen} },
        $numbered ? (
            sub { my ($f, $o) = @_; $f->set_counter($o->{all}, $o->{number} + 1) if defined $o->{chosen} },
        ) : (),
        sub { my ($f, $o) = @_; $f->attr($o->{id}, 'ip', subkey => 'manager', number => $o->{number}, relation => $o->{in}) if defined $o->{chosen} },
    );
}

sub operations { return sort keys %OPERATIONS }

# All steps of an operation: functions without arguments.
sub steps {
    my ($self, $operation, %objects) = @_;
    my $o = {%objects};
    $self->{errors} = [];
    return (
        sub { $self->ask('begin') },
        sub { $self->ask("insert into clustoversioning (timestamp, \"user\") values (localtimestamp, 'python') returning version") },
        (map { my $step = $_; sub { $step->($self, $o) } } @{ $OPERATIONS{$operation} // croak "$operation?" }),
        sub { $self->ask(@{ $self->{errors} } ? 'rollback' : 'commit') },
    );
}

1;
