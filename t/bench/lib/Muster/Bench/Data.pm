# Muster::Bench::Data: an inventory of any size, and preferences, loaded by COPY.
package Muster::Bench::Data;
use v5.24;
use warnings;
use Carp qw(croak);
use Time::HiRes ();

# Servers are numbered from here, so that all names are of one length up to nine million.
use constant FIRST => 1_000_001;

# Entity ids: the server with the number n (from 1) is SERVER_ID + n.
use constant SERVER_ID => 100;

# The pools "few", of so many members, and "many", of as many as is wished: appliances with the
# attribute "crowd", which says in which pool they are. SPARE is in neither.
use constant FEW   => 100;
use constant SPARE => 'member0000000';

# Sizes of what contains servers. Of pools and sites each server is in one; so it is of roles, whose
# members lie far apart. A site holds pools, and through them its servers.
my %size = (pool => 100, role => 1000, site => 1000, rack => 40, manager => 1000);

# Options: postgres, server (a Muster::Server on it, not started: for --init-db), database, servers,
# preferences (documents), crowd (members of the pool "many"), quiet. Answers an object that knows how many of everything there are.
sub load {
    my ($class, %option) = @_;
    my $self = bless { %option, count => { server => $option{servers} } }, $class;
    my $n    = $option{servers};
    $self->{count}{$_} = _at_least_one($n, $size{$_}) for keys %size;
    $self->_lay_out_ids;
    my $start = Time::HiRes::time();
    $self->{server}->init_db;
    $self->_psql(_strip());
    $self->_entities;
    $self->_attributes;
    $self->_preferences if $option{preferences};
    $self->_settle;
    $self->_say(sprintf '%s: %d servers, %d objects, %d attributes, %d documents in %.1f s', $option{database},
        $n, $self->{entities}, $self->{attributes}, $option{preferences} // 0, Time::HiRes::time() - $start);
    return $self;
}

sub _at_least_one {
    my ($n, $each) = @_;
    return $n < $each ? 1 : int(($n + $each - 1) / $each);
}

sub _lay_out_ids {
    my ($self) = @_;
    my $next = SERVER_ID + $self->{count}{server} + 1;
    for my $kind (qw(pool site role rack manager)) {
        $self->{first}{$kind} = $next;
        $next += $self->{count}{$kind};
    }
    $self->{first}{crowd} = $next;
    $self->{next_id} = $next + ($self->{crowd} ? 3 + FEW + $self->{crowd} : 0);
    return;
}

# The id of the n-th (from 1) of a kind; of servers too.
sub id {
    my ($self, $kind, $n) = @_;
    return $kind eq 'server' ? SERVER_ID + $n : $self->{first}{$kind} + $n - 1;
}

sub count { return $_[0]{count}{ $_[1] } }

# --- what slows a load down is taken away, and made again by --init-db

sub _strip {
    return <<'SQL';
set client_min_messages = warning;
do $$
declare
    r record;
begin
    for r in select tgname, tgrelid::regclass as tab from pg_trigger
              where not tgisinternal and tgname like 'muster\_%'
                and tgrelid in ('entities'::regclass, 'entity_attrs'::regclass, 'muster_preferences'::regclass) loop
        execute format('drop trigger %I on %s', r.tgname, r.tab);
    end loop;
    for r in select i.indexrelid::regclass as name from pg_index i
              where i.indrelid in ('entities'::regclass, 'entity_attrs'::regclass, 'counters'::regclass)
                and not exists (select from pg_constraint c where c.conindid = i.indexrelid) loop
        execute format('drop index %s', r.name);
    end loop;
end $$;
insert into clustoversioning (version, "timestamp", "user", description)
    values (2, localtimestamp, 'bench', 'inventory of the benchmark') on conflict do nothing;
SQL
}

sub _settle {
    my ($self) = @_;
    $self->_say("$self->{database}: indexes");
    $self->_psql(<<"SQL");
select setval(pg_get_serial_sequence('entities', 'entity_id'), $self->{next_id});
select setval(pg_get_serial_sequence('entity_attrs', 'attr_id'), greatest($self->{attr_id}, 1));
select setval(pg_get_serial_sequence('clustoversioning', 'version'), 2);
select setval('muster_preferences_revision', greatest(@{[ $self->{preferences} // 0 ]}, 1));
SQL
    $self->{server}->run_program(['--init-db'], timeout => 1200)->{status} == 0 or croak 'init-db failed';
    $self->_say("$self->{database}: vacuum and statistics");
    $self->_psql('vacuum (analyze, freeze);');
    $self->_psql('checkpoint;');
    return;
}

sub _psql {
    my ($self, $sql) = @_;
    return $self->{postgres}->psql($sql, database => $self->{database}, timeout => 1200);
}

# --- rows

# Gives a sub that takes lines for this table; called without any it ends the COPY.
sub _copy {
    my ($self, $table, $expected) = @_;
    my $postgres = $self->{postgres};
    my @command  = (
        "$postgres->{bin}/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', $postgres->socket_dir, '-U', 'postgres',
        '-d', $self->{database}, '-c', 'set session_replication_role = replica', '-c', "copy $table from stdin",
    );
    open my $out, '|-', @command or croak "psql: $!";
    my ($buffer, $lines, $told) = ('', 0, Time::HiRes::time());
    my $name = $table =~ s/ .*//r;
    return sub {
        my ($line) = @_;
        if (defined $line) {
            $buffer .= $line;
            $lines++;
            return if length $buffer < 65536;
        }
        print {$out} $buffer or croak "psql: $!";
        $buffer = '';
        if (!defined $line) {
            close $out or croak "COPY to $table failed";
            return $lines;
        }
        if (Time::HiRes::time() - $told > 2) {
            $self->_say(sprintf '%s: %s %d %%', $self->{database}, $name, 100 * $lines / ($expected || 1));
            $told = Time::HiRes::time();
        }
        return;
    };
}

sub _entities {
    my ($self) = @_;
    my $put = $self->_copy('entities (entity_id, name, type, driver, version)', $self->{next_id});
    $put->(SERVER_ID + $_ . "\tserver" . (FIRST - 1 + $_) . "\tserver\tbasicserver\t2\n") for 1 .. $self->{count}{server};
    my %kind = (
        pool    => "pool\tpool",
        site    => "pool\tpool",
        role    => "pool\tpool",
        rack    => "rack\tbasicrack",
        manager => "resourcemanager\tipmanager",
    );
    for my $kind (qw(pool site role rack manager)) {
        $put->($self->id($kind, $_) . "\t$kind$_\t$kind{$kind}\t2\n") for 1 .. $self->{count}{$kind};
    }
    $self->_crowd(
        sub { $put->("$_[0]\t$_[1]\tpool\tpool\t2\n") },
        sub { $put->("$_[0]\t$_[1]\tappliance\tbasicappliance\t2\n") },
    );
    $self->{entities} = $put->() + 1;
    return;
}

# Calls with the ids and names of the pools and their members; of these also with the pool's.
sub _crowd {
    my ($self, $pool, $member) = @_;
    my $id  = $self->{first}{crowd};
    my $end = $self->{next_id};
    return if $id == $end;
    my %pool = (few => $id++, many => $id++);
    $pool->($pool{$_}, $_) for sort keys %pool;
    $member->($id++, SPARE);
    for my $n (1 .. $end - $id) {
        my $name = $n <= FEW ? 'few' : 'many';
        $member->($id++, sprintf('member%07d', $n), $name, $pool{$name});
    }
    return;
}

# Columns: attr_id, entity_id, key, subkey, number, datatype, int_value, string_value,
# datetime_value, relation_id, version
sub _attributes {
    my ($self) = @_;
    my $count = $self->{count};
    $self->{attr_id} = 100;
    my $put = $self->_copy(
        'entity_attrs (attr_id, entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value,'
            . ' relation_id, version)',
        10 * $count->{server},
    );
    $self->{put} = sub { $put->(++$self->{attr_id} . "\t$_[0]\t2\n") };
    $self->_server($_) for 1 .. $count->{server};
    $self->_manager($_) for 1 .. $count->{manager};
    $self->_members;
    $self->_crowd_members;
    $put->();
    $self->{attributes} = $self->{attr_id} - 100;
    delete $self->{put};
    $self->_counters;
    return;
}

# Five attributes each; every second one has an address besides.
sub _server {
    my ($self, $n) = @_;
    my $id     = SERVER_ID + $n;
    my $put    = $self->{put};
    my $memory = 16 * (1 + $n % 16);
    my $day    = sprintf '20%02d-%02d-%02d 08:00:00', 10 + $n % 15, 1 + $n % 12, 1 + $n % 28;
    # Sorted by key, as they are shown: who does not sort gives the same answer.
    $put->("$id\tinstalled\tdate\t\\N\tdatetime\t\\N\t\\N\t$day\t\\N");
    $self->_address($n) if $n % 2;
    $put->("$id\tos\tname\t\\N\tstring\t\\N\tDebian " . (8 + $n % 5) . "\t\\N\t\\N");
    $put->("$id\tsystem\tserial\t\\N\tstring\t\\N\tSN" . (FIRST - 1 + $n) . "\t\\N\t\\N");
    $put->("$id\tsystem\tmemory\t\\N\tint\t$memory\t\\N\t\\N\t\\N");
    $put->("$id\tsystem\tcpucount\t\\N\tint\t" . (2 << $n % 5) . "\t\\N\t\\N\t\\N");
    return;
}

# Each manager has 16,382 addresses, and has given 500 of them.
sub _network { return 0x0A000000 + (($_[0] - 1) << 14) }

sub _dotted { return join '.', unpack 'C4', pack 'N', $_[0] }

sub _stored { return $_[0] - 0x80000000 }

sub _address {
    my ($self, $n) = @_;
    my $id      = SERVER_ID + $n;
    my $put     = $self->{put};
    my $manager = 1 + int(($n - 1) / $size{manager});
    my $address = _network($manager) + 2 + int((($n - 1) % $size{manager}) / 2);
    my $number  = int($n / 2);
    my $text    = _dotted($address);
    $put->("$id\tip\t\\N\t$number\tint\t" . _stored($address) . "\t\\N\t\\N\t\\N");
    $put->("$id\tip\tipstring\t$number\tstring\t\\N\t$text\t\\N\t\\N");
    $put->("$id\tip\tcidr\t$number\tstring\t\\N\t$text/18\t\\N\t\\N");
    $put->("$id\tip\tmanager\t$number\trelation\t\\N\t\\N\t\\N\t" . $self->id('manager', $manager));
    return;
}

sub _manager {
    my ($self, $m) = @_;
    my $id  = $self->id('manager', $m);
    my $put = $self->{put};
    my $net = _network($m);
    my $top = $net + 1 + $size{manager} / 2;
    $put->("$id\tbaseip\tproperty\t\\N\tstring\t\\N\t" . _dotted($net) . "\t\\N\t\\N");
    $put->("$id\tnetmask\tproperty\t\\N\tstring\t\\N\t255.255.192.0\t\\N\t\\N");
    $put->("$id\tgateway\tproperty\t\\N\tstring\t\\N\t" . _dotted($net + 1) . "\t\\N\t\\N");
    $put->("$id\t_lastip\t\\N\t\\N\tint\t" . _stored($top) . "\t\\N\t\\N\t\\N");
    return;
}

sub _contains {
    my ($self, $container, $subkey, $number, $member) = @_;
    $self->{put}->("$container\t_contains\t$subkey\t$number\trelation\t\\N\t\\N\t\\N\t$member");
    return;
}

sub _members {
    my ($self) = @_;
    my $count = $self->{count};
    for my $n (1 .. $count->{server}) {
        my $pool = int(($n - 1) / $size{pool});
        my $rack = int(($n - 1) / $size{rack});
        my $id   = SERVER_ID + $n;
        $self->_contains($self->{first}{rack} + $rack, 'ru', 1 + ($n - 1) % $size{rack}, $id);
        $self->_contains($self->{first}{pool} + $pool, '\N', ($n - 1) % $size{pool}, $id);
    }
    my $each = $size{site} / $size{pool};
    $self->_contains($self->{first}{site} + int($_ / $each), '\N', $_ % $each, $self->{first}{pool} + $_)
        for 0 .. $count->{pool} - 1;
    for my $role (0 .. $count->{role} - 1) {
        my $number = 0;
        for (my $n = $role; $n < $count->{server}; $n += $count->{role}) {
            $self->_contains($self->{first}{role} + $role, '\N', $number++, SERVER_ID + 1 + $n);
        }
    }
    return;
}

sub _crowd_members {
    my ($self) = @_;
    my %number;
    $self->_crowd(sub { }, sub {
        my ($id, undef, $name, $pool) = @_;
        return unless defined $name;
        $self->{put}->("$id\tcrowd\t\\N\t\\N\tstring\t\\N\t$name\t\\N\t\\N");
        $self->_contains($pool, '\N', $number{$name}++, $id);
    });
    $self->_crowd(sub { $self->{last_number}{ $_[0] } = $number{ $_[1] } - 1 }, sub { });
    return;
}

# Where the numbering of memberships and of resources goes on.
sub _counters {
    my ($self) = @_;
    my $put = $self->_copy('counters (entity_id, attr_key, value)', 1);
    for my $kind (qw(pool site role)) {
        my $last = ($kind eq 'site' ? $size{site} / $size{pool} : $size{$kind}) - 1;
        $put->($self->id($kind, $_) . "\t_contains\t$last\n") for 1 .. $self->{count}{$kind};
    }
    $put->("$_\t_contains\t$self->{last_number}{$_}\n") for sort keys %{ $self->{last_number} // {} };
    $put->("1\tip\t" . (1 + int($self->{count}{server} / 2)) . "\n");
    $put->();
    return;
}

# A document for each user: "user1000001" and so on, all in the container "settings".
sub _preferences {
    my ($self) = @_;
    my $put = $self->_copy('muster_preferences (user_id, container, document, revision)', $self->{preferences});
    for my $n (1 .. $self->{preferences}) {
        my $theme = $n % 3 ? 'dark' : 'light';
        my $zoom  = 80 + $n % 70;
        $put->( 'user' . (FIRST - 1 + $n)
              . "\tsettings\t{\"editor\": {\"font\": {\"family\": \"Mono $zoom\", \"size\": "
              . (8 + $n % 9)
              . "}, \"tabs\": [2, 4, 8], \"wrap\": true}, \"theme\": \"$theme\", \"zoom\": $zoom, "
              . '"language": "en", "recent": ["server' . (FIRST + $n) . '", "server' . (FIRST + 2 * $n)
              . "\"], \"panels\": {\"left\": \"tree\", \"right\": null, \"bottom\": {\"height\": $n, \"open\": false}}}"
              . "\t$n\n");
    }
    $put->();
    return;
}

sub _say {
    my ($self, $text) = @_;
    print STDERR "# $text\n" unless $self->{quiet};
    return;
}

1;
