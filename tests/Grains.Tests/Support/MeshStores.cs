using Microsoft.Extensions.Time.Testing;

namespace Mesh.Grains.Tests.Support;

/// <summary>Everything that outlives silos: stores, reminders, and time.</summary>
internal sealed class MeshStores
{
    public MeshStores()
    {
        Storage = new SharedGrainStorage(Faults);
        Issuance = new MemoryIssuanceStore(Faults);
        Keys = new MemoryKeyStore(Faults);
    }

    private MeshStores(MeshStores other, SharedGrainStorage storage) =>
        (Faults, Clock, Storage, Issuance, Keys) = (other.Faults, other.Clock, storage, other.Issuance, other.Keys);

    public StoreFaults Faults { get; } = new();

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The same with other grain states, as after a restore.</summary>
    public MeshStores With(SharedGrainStorage storage) => new(this, storage);

    public SharedGrainStorage Storage { get; }

    public MemoryIssuanceStore Issuance { get; }

    public MemoryKeyStore Keys { get; }

    public SharedReminderTable Reminders { get; } = new();
}
