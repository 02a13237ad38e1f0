using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Tests.Support;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>
/// An operator who rotates the anchor when it is nearly at its end, and now and then an issuer. Each step is read off the trust
/// domain's own word, so one that died with its silo is looked at again.
/// </summary>
internal sealed class DayOperator
{
    private static readonly TimeSpan LooksEvery = TimeSpan.FromSeconds(40);

    private readonly TimeProvider _clock;
    private readonly Random _random;
    private DateTimeOffset _next;
    private TimeSpan _startsAt;
    private TimeSpan _waits;
    private string? _retiring;

    public DayOperator(TimeProvider clock, Random random)
    {
        (_clock, _random) = (clock, random);
        Draw();
    }

    /// <summary>Rotations that came to their end.</summary>
    public int Retired { get; private set; }

    public async Task StepAsync(MeshCluster mesh, CancellationToken killed)
    {
        if (_clock.GetUtcNow() < _next)
        {
            return;
        }

        _next = _clock.GetUtcNow() + LooksEvery;
        try
        {
            await LookAsync(mesh).WaitAsync(killed);
        }
        catch (Exception e) when (e is not MeshException { Error: not (MeshError.NotReady or MeshError.Stale or MeshError.Conflict) })
        {
            // Refused for now, or the silo is gone: looked at again.
        }
    }

    private async Task LookAsync(MeshCluster mesh)
    {
        var now = _clock.GetUtcNow();
        var anchors = (await mesh.Trust.GetStatusAsync()).Anchors;
        if (_retiring is not null && anchors.All(anchor => anchor.KeyHash.ToString() != _retiring))
        {
            (_retiring, Retired) = (null, Retired + 1);
            Draw();
        }

        if (anchors.FirstOrDefault(anchor => anchor.Stage == "retiring") is { } retiring)
        {
            _retiring = retiring.KeyHash.ToString();
            await mesh.Trust.RetireAnchorAsync();
        }
        else if (anchors.FirstOrDefault(anchor => anchor.Stage == "prepared") is { } prepared)
        {
            await (now >= prepared.Since + _waits ? mesh.Trust.ActivateAnchorAsync() : Task.CompletedTask);
        }
        else if (now >= anchors.Single(anchor => anchor.Stage == "active").NotBefore + _startsAt)
        {
            await mesh.Trust.StartAnchorRotationAsync();
        }
        else if (_random.Next(200) == 0)
        {
            await mesh.Trust.RotateIssuerAsync(_random.Next(2) == 0 ? "workload" : "control-plane");
        }
    }

    // Late in an anchor's life, so that its last issuers are cut to its end; never before everybody knows of the next one.
    private void Draw()
    {
        _startsAt = TimeSpan.FromHours(5.5 + _random.NextDouble());
        _waits = TimeSpan.FromMinutes(1 + (4 * _random.NextDouble()));
    }
}
