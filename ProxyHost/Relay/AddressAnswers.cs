using System.Net;
using Mesh.Grains.Interfaces.Services;
using Mesh.ProxyHost.Enrollment;

namespace Mesh.ProxyHost.Relay;

/// <summary>
/// What addresses mean, asked of the silos once a second at the most for each, however many proxies want to know. Names and addresses are
/// what any workload may ask for, so nobody's answer is another's secret.
/// </summary>
internal sealed class AddressAnswers(IGrainFactory grains, ProxyHostIdentity identity, TimeProvider clock)
{
    /// <summary>Answers that are kept at the most.</summary>
    public const int MaxAnswers = 10_000;

    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, (Task<ResolvedAddress> Answer, long AskedAt)> _answers = [];

    public Task<ResolvedAddress> ResolveAsync(IPEndPoint address)
    {
        lock (_gate)
        {
            if (_answers.TryGetValue(address, out var known) && !IsOld(known.AskedAt) && !known.Answer.IsFaulted && !known.Answer.IsCanceled)
            {
                return known.Answer;
            }

            if (_answers.Count >= MaxAnswers)
            {
                Forget();
            }

            var asked = grains.GetGrain<IAddressFeed>(identity.Bundle.TrustDomain.Name).ResolveAsync(address.ToString());
            _answers[address] = (asked, clock.GetTimestamp());
            return asked;
        }
    }

    private bool IsOld(long askedAt) => clock.GetElapsedTime(askedAt) > GoodFor;

    // Those that are old; all of them where few are, so that a look over all is rare. It costs questions and no more.
    private void Forget()
    {
        foreach (var (address, (_, askedAt)) in _answers)
        {
            if (IsOld(askedAt))
            {
                _answers.Remove(address);
            }
        }

        if (_answers.Count > MaxAnswers / 2)
        {
            _answers.Clear();
        }
    }
}
